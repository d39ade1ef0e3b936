/** Where Sallyport keeps things (XDG Base Directory Specification; INTERFACE "The socket"). */
import os from 'node:os';
import path from 'node:path';

export interface Paths {
  readonly socket: string;
  readonly controlSocket: string;
  readonly stateFolder: string;
  readonly configFile: string;
  readonly managedFile: string;
}

export interface PathChoices {
  readonly socket?: string | undefined;
  readonly stateFolder?: string | undefined;
  readonly configFile?: string | undefined;
}

export function findPaths(choices: PathChoices = {}, env: NodeJS.ProcessEnv = process.env): Paths {
  const home = os.homedir();
  const inState = path.join(absolute(env['XDG_STATE_HOME']) ?? path.join(home, '.local', 'state'), 'sallyport');
  const inConfig = path.join(absolute(env['XDG_CONFIG_HOME']) ?? path.join(home, '.config'), 'sallyport');
  const chosen = choices.socket ?? env['SALLYPORT_SOCKET'];
  const socket = chosen === undefined || chosen === '' ? defaultSocket(env, inState) : toAbsolute(chosen);
  return {
    socket,
    controlSocket: controlSocketBeside(socket),
    stateFolder: path.resolve(choices.stateFolder ?? inState),
    configFile: path.resolve(choices.configFile ?? path.join(inConfig, 'sallyport.json')),
    managedFile: '/etc/sallyport/sallyport.json',
  };
}

export function controlSocketBeside(socket: string): string {
  if (isPipe(socket)) return `${socket}-control`;
  return path.join(path.dirname(socket), 'control.sock');
}

export function isPipe(socket: string): boolean {
  return socket.startsWith('\\\\.\\pipe\\');
}

function defaultSocket(env: NodeJS.ProcessEnv, inState: string): string {
  if (process.platform === 'win32') return `\\\\.\\pipe\\sallyport-${os.userInfo().username}`;
  if (process.platform === 'darwin') return path.join(os.tmpdir(), 'sallyport', 'mcp.sock');
  const runtime = absolute(env['XDG_RUNTIME_DIR']);
  // Never a shared temporary folder: whoever comes first owns a name there.
  return path.join(runtime === undefined ? path.join(inState, 'run') : path.join(runtime, 'sallyport'), 'mcp.sock');
}

function toAbsolute(socket: string): string {
  return isPipe(socket) ? socket : path.resolve(socket);
}

/** The specification: a relative path in these variables is to be ignored. */
function absolute(value: string | undefined): string | undefined {
  return value !== undefined && path.isAbsolute(value) ? value : undefined;
}
