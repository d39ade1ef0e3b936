/** Every kind of credential of the set. */
import { files } from './file-passages.ts';
import { passwordHashes, privateKeys, signedTokens } from './key-passages.ts';
import type { Kind } from './kind.ts';
import { commands, connectionStrings, headers, urls } from './line-passages.ts';
import { genericValues, vendorValues } from './named-values.ts';
import { clouds, codeHosts, registries } from './platform-tokens.ts';
import { mail, messengers, models, monitoring, office, payment } from './service-tokens.ts';

export const kinds: readonly Kind[] = [
  ...[...codeHosts, ...clouds, ...registries],
  ...[...messengers, ...payment, ...mail, ...models, ...monitoring, ...office],
  ...[...vendorValues, ...genericValues],
  ...[...privateKeys, ...signedTokens, ...passwordHashes],
  ...[...headers, ...urls, ...connectionStrings, ...commands, ...files],
];
