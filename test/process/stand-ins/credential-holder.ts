/**
 * The part of an egress worker that holds credentials, with its channel to the vault and nothing else: for the kinds that no
 * destination of a connector can use yet. Over Node's IPC it is told what to obtain, and answers when it has used it once.
 */
import { createHash } from 'node:crypto';
import { channelOverFd } from '../../../main/channel/channel-over-socket.ts';
import type { Channel } from '../../../main/contract/channel.ts';
import { egressVault } from '../../../main/contract/channels.ts';
import { createCredentials } from '../../../main/outbound/credentials.ts';
import { createEchoFilter } from '../../../main/outbound/echo-filter.ts';
import { createGuardedMemory } from '../../../main/secrets/guarded-memory.ts';
import { harden } from '../../../main/secrets/harden.ts';
import { createBoxKeyPair } from '../../../main/secrets/sealed-box.ts';

harden();
const memory = createGuardedMemory();
const box = createBoxKeyPair(memory);
const vault: Channel<(typeof egressVault)['a']> = channelOverFd<typeof egressVault, 'a'>({
  fd: 3,
  contract: egressVault,
  side: 'a',
  handlers: {
    notices: {
      revoke: () => {
        credentials.wipe();
      },
    },
    requests: {},
    streams: {},
    onClose: () => process.exit(0),
  },
});
const credentials = createCredentials({
  memory,
  openSealed: (ciphertext) => box.openSealed(ciphertext),
  request: (destination) => vault.request('credential', { destination }, { timeoutMs: 60_000 }),
  isLogin: () => false,
});

async function use(destination: string, subject: string): Promise<void> {
  const { password, also, needles } = await credentials.obtain(destination, { subject, until: Date.now() });
  for (const each of [password, also]) each?.use((bytes): void => void createHash('sha256').update(bytes).digest());
  createEchoFilter(needles).push(Buffer.from('no secret, but text in which one is looked for'));
}

process.on('message', ({ destination, subject }: { destination: string; subject: string }) => {
  void use(destination, subject).then(
    () => process.send?.({ used: destination }),
    (error: unknown) => process.send?.({ failed: String(error) }),
  );
});
await vault.request('hello', { publicKey: box.publicKey.toString('base64') });
process.send?.({ used: 'nothing yet' });
