/**
 * The window's own scheme. Guarantees: only files that lay in the built renderer's folder at the start are served, by
 * exact name, so there is no path to traverse; with a policy that lets the page load nothing else and talk to nobody.
 * Trusts: the folder (root's in a package; the person's in a checkout).
 */
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { windowPage } from '../contract/window.ts';

export const scheme = 'app';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
};

/** CSP Level 3. The page has no forms, frames, workers or connections. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "font-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export type Assets = ReadonlyMap<string, string>;

/** Every file that can be served, by its whole address. */
export function assetsIn(folder: string): Assets {
  const origin = windowPage.slice(0, windowPage.lastIndexOf('/'));
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    files.flatMap(({ parentPath, name }) => {
      const file = path.join(parentPath, name);
      const relative = path.relative(folder, file).split(path.sep).join('/');
      return path.extname(name) in types ? [[`${origin}/${relative}`, file] as const] : [];
    }),
  );
}

export async function serveAsset(assets: Assets, { method, url }: Pick<Request, 'method' | 'url'>): Promise<Response> {
  const file = method === 'GET' ? assets.get(url) : undefined;
  if (file === undefined) return new Response('not found', { status: 404, headers: common });
  const type = types[path.extname(file)] ?? 'application/octet-stream';
  return new Response(new Uint8Array(await readFile(file)), { headers: { ...common, 'content-type': type } });
}

const common = {
  'content-security-policy': contentSecurityPolicy,
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
};
