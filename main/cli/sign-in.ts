/** `sallyport signin`: asks the shell, which opens the browser; in the lab a driver goes through the login form. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { statusSchema } from '../contract/control.ts';
import { Fault } from '../contract/errors.ts';
import { principalSchema } from '../contract/principal.ts';
import { askControl } from './control-client.ts';
import { findPaths } from './paths.ts';

export interface SignInOptions {
  readonly socket?: string;
  readonly account?: string;
  readonly user?: string;
  readonly printUrl?: boolean;
}

const signedInSchema = z.object({ principal: principalSchema });
/** The vault ends a sign-in long before (`identity.signInTimeoutMinutes`, at most 60). */
const longestMs = 61 * 60_000;

export async function signIn({ socket, account, user, printUrl }: SignInOptions): Promise<void> {
  const { controlSocket } = findPaths({ socket });
  const show = user === undefined ? showPerson(printUrl === true) : await driveLab(controlSocket, user);
  const answer = await askControl({
    controlSocket,
    method: 'sign-in',
    params: {
      open: user === undefined && printUrl !== true,
      forceLogin: user !== undefined,
      ...(account === undefined ? {} : { account }),
    },
    timeoutMs: longestMs,
    onEvent: (event) => {
      if (event['event'] === 'url' && typeof event['url'] === 'string') show(event['url']);
      else if (event['event'] === 'opened') process.stderr.write('your browser shows the sign-in; waiting …\n');
    },
  });
  const { principal } = signedInSchema.parse(answer);
  process.stdout.write(`signed in as ${principal.displayName} (${principal.username})\n`);
}

function showPerson(asked: boolean): (url: string) => void {
  return (url) => {
    if (!asked) process.stderr.write('no browser could be opened here; open this address on this machine:\n');
    process.stdout.write(`${url}\n`);
  };
}

/** The address goes to the driver's standard input: an address in argv could be read by every program. */
async function driveLab(controlSocket: string, user: string): Promise<(url: string) => void> {
  const { lab } = statusSchema.parse(await askControl({ controlSocket, method: 'status' }));
  if (!lab) throw new Fault('malformed', '--user works only in the lab: leave it out, and sign in in your browser');
  if (!lab.people.includes(user))
    throw new Fault('malformed', `the lab knows nobody named "${user}": ${lab.people.join(', ')}`);
  const driver = path.resolve(
    path.dirname(fileURLToPath(import.meta.url)),
    driverFolder(),
    'lab',
    'sign-in-driver.mjs',
  );
  return (url) => {
    const child = spawn(process.execPath, [driver, '--folder', lab.folder, '--user', user], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: {},
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(`${url}\n`);
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(0, 2000)));
    child.once('exit', (code) => {
      if (code === 0) return;
      // The form refused: nothing will come back to the loopback address, so there is nothing to wait for.
      process.stderr.write(`sallyport: ${user} could not sign in: ${said.trim() || 'the login form refused'}\n`);
      process.exit(1);
    });
  };
}

function driverFolder(): string {
  return fileURLToPath(import.meta.url).endsWith('.mjs') ? '..' : '../../dist';
}
