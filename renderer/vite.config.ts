import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

/** The window's bundle: relative addresses, no inline script or style (the page's policy allows none). */
// eslint-disable-next-line no-restricted-syntax -- Vite reads the default export
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: './',
  cacheDir: fileURLToPath(new URL('../out/vite-window', import.meta.url)),
  build: { target: 'chrome130', assetsInlineLimit: 0, modulePreload: false, sourcemap: false },
});
