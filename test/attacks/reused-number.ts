/**
 * As root of process numbers of its own: what connected ends, and its number goes to another program. Says whom the door takes
 * the connection for. Any program gets there without these rights, by starting as many processes as there are numbers.
 *   node reused-number.ts FOLDER leaves   its socket stays with a child
 *   node reused-number.ts FOLDER bridge   it is what started the bridge, and ends while that is looked at
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import path from 'node:path';
import { createIdentifyPeer, findOwnBridge } from '../../main/agent/peer.ts';

const [, , folder = '', way] = process.argv;
const at = (name: string): string => path.join(folder, name);
const script = (name: string, text: string): string => {
  writeFileSync(at(name), text);
  return at(name);
};

const bridge = script('bridge.js', `require('node:net').connect(process.argv[2]);`);
const trusted = script('trusted.js', 'setInterval(() => 0, 1000);');
const started = `require('node:child_process').spawn`;
const attacker = script(
  'attacker.js',
  way === 'bridge'
    ? `${started}(process.execPath, [${JSON.stringify(bridge)}, process.argv[2]], { stdio: 'ignore' });`
    : `const socket = require('node:net').connect(process.argv[2], () => {
        ${started}('sleep', ['600'], { stdio: ['ignore', 'ignore', socket], detached: true }).unref();
      });`,
);

const server = createServer({ pauseOnConnect: true }).listen(at('s'));
await once(server, 'listening');
const met = once(server, 'connection') as Promise<[Socket]>;
const child = spawn(process.execPath, [attacker, at('s')], { stdio: 'ignore' });
const [socket] = await met;

async function giveNumberAway({ pid = 0 }: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
  for (;;) {
    writeFileSync('/proc/sys/kernel/ns_last_pid', String(pid - 1));
    const other = spawn(process.execPath, [trusted], { stdio: 'ignore' });
    if (other.pid === pid) return;
    other.kill('SIGKILL');
    await once(other, 'exit');
  }
}

const identify = createIdentifyPeer(
  await findOwnBridge([bridge]),
  way === 'bridge' ? () => giveNumberAway(child) : undefined,
);
if (way === 'leaves') await giveNumberAway(child);
process.stdout.write(JSON.stringify(await identify(socket)));
process.exit(0);
