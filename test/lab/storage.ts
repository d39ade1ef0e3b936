/** Entry of the lab's S3: a process of its own, which knows the STS by the key of its session tokens alone. */
import { storageHello, type StorageHello } from './contract.ts';
import { serveLab } from './lines.ts';
import { fillStore } from './objects.ts';
import { createS3, openStore } from './s3.ts';
import { listen } from './server.ts';
import { createSessionTokens } from './session-token.ts';

async function start({ identity, sessionKey, folder }: StorageHello) {
  const opened = openStore(folder);
  await fillStore(opened);
  const server = await listen(identity);
  server.serve(createS3({ tokens: createSessionTokens(sessionKey), objects: opened.serve }));
  return { ready: { url: server.url }, answer: () => ({ refused: 'not for the storage' }) };
}

await serveLab(storageHello, start);
