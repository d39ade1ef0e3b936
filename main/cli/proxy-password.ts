/** `sallyport proxy-password`: asks without echo and hands the answer to the running Sallyport, which keeps it for this run. */
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { Fault } from '../contract/errors.ts';
import { askControl } from './control-client.ts';
import { findPaths } from './paths.ts';

export async function proxyPassword({ socket }: { readonly socket?: string }): Promise<void> {
  const { controlSocket } = findPaths({ socket });
  const password = process.stdin.isTTY ? await askWithoutEcho() : (await text(process.stdin)).replace(/\r?\n$/, '');
  if (password === '') throw new Fault('malformed', 'no password was given: type it, or pipe it to this command');
  await askControl({ controlSocket, method: 'proxy-password', params: { password } });
  process.stdout.write('kept until Sallyport ends or the person signs out; it is written nowhere\n');
}

function askWithoutEcho(): Promise<string> {
  process.stderr.write('password of the proxy: ');
  const silent = new Writable({
    write: (_chunk, _encoding, done) => {
      done();
    },
  });
  const asking = createInterface({ input: process.stdin, output: silent, terminal: true });
  return new Promise((resolve) => {
    let typed = '';
    asking.once('line', (line) => {
      typed = line;
      asking.close();
    });
    asking.once('close', () => {
      process.stderr.write('\n');
      resolve(typed);
    });
  });
}
