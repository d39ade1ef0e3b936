/** Cedar's library. Its ES module build has no named exports for Node; the CommonJS one loads the wasm from beside itself. */
import { createRequire } from 'node:module';
import type * as CedarModule from '@cedar-policy/cedar-wasm/nodejs';

export const cedar = createRequire(import.meta.url)('@cedar-policy/cedar-wasm/nodejs') as typeof CedarModule;
