/** Entry of the lab's S3: a process of its own, which knows the STS by the key of its session tokens alone. */
import { labBucket, storageHello, type StorageHello } from './contract.ts';
import { serveLab } from './lines.ts';
import { createObjectStore } from './object-store.ts';
import { fillStore } from './objects.ts';
import { createS3 } from './s3.ts';
import { listen } from './server.ts';
import { createSessionTokens } from './session-token.ts';

async function start({ identity, sessionKey }: StorageHello) {
  const store = createObjectStore(labBucket);
  fillStore(store);
  const server = await listen(identity);
  server.serve(createS3({ tokens: createSessionTokens(sessionKey), store }));
  return { ready: { url: server.url }, answer: () => ({ refused: 'not for the storage' }) };
}

await serveLab(storageHello, start);
