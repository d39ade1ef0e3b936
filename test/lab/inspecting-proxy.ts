/** A real company proxy that inspects TLS: mitmproxy on loopback, with an authority of its own, and hosts that it leaves alone. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { tmpdir } from 'node:os';
import { answers, freePort } from './squid.ts';

export interface InspectingProxy {
  readonly url: string;
  /** PEM: the company's authority. */
  readonly authority: string;
  readonly authorityFile: string;
  /** Requests that it read in the clear: `METHOD URL`. */
  inspected(): string[];
  stop(): Promise<void>;
}

export interface InspectingProxyOptions {
  /** PEM of the authorities that it trusts. */
  readonly trusted: readonly string[];
  /** Ports that it tunnels without looking. */
  readonly leftAlone: readonly number[];
}

export async function startInspectingProxy({ trusted, leftAlone }: InspectingProxyOptions): Promise<InspectingProxy> {
  const folder = mkdtempSync(path.join(tmpdir(), 'sallyport-mitmproxy-'));
  const port = await freePort();
  const upstream = path.join(folder, 'trusted.pem');
  writeFileSync(upstream, trusted.join('\n'));
  const script = path.join(folder, 'log.py');
  const log = path.join(folder, 'requests.log');
  writeFileSync(log, '');
  writeFileSync(
    script,
    `def request(flow):
    with open(${JSON.stringify(log)}, "a") as file:
        file.write(flow.request.method + " " + flow.request.pretty_url + "\\n")
`,
  );
  const set = (option: string): string[] => ['--set', option];
  const child = spawn(
    'mitmdump',
    [
      ...['--quiet', '--listen-host', '127.0.0.1', '--listen-port', String(port), '--scripts', script],
      ...set(`confdir=${folder}`),
      ...set(`ssl_verify_upstream_trusted_ca=${upstream}`),
      ...leftAlone.flatMap((one) => ['--ignore-hosts', `:${String(one)}$`]),
    ],
    { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: process.env['PATH'] ?? '', HOME: folder } },
  );
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise((resolve) => child.once('exit', resolve).once('error', resolve));
  const authorityFile = path.join(folder, 'mitmproxy-ca-cert.pem');
  while (!existsSync(authorityFile) || !(await answers(port))) {
    if (child.exitCode !== null || child.pid === undefined) throw new Error(`mitmproxy did not start:\n${said}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    url: `http://127.0.0.1:${String(port)}`,
    authority: readFileSync(authorityFile, 'utf8'),
    authorityFile,
    inspected: () =>
      readFileSync(log, 'utf8')
        .split('\n')
        .filter((line) => line !== ''),
    stop: async () => {
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), 5000);
      await ended;
      clearTimeout(late);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
