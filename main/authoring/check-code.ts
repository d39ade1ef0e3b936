/** Whether a connector's code fits its manifest, as the author's own TypeScript sees it. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Check } from './acceptance.ts';
import { resolveFrom } from './build-connector.ts';

const what = 'code';

export async function checkCode(folder: string, productRoot: string, signal?: AbortSignal): Promise<Check> {
  if (!existsSync(path.join(folder, 'tsconfig.json')))
    return { level: 'skipped', what, why: 'there is no tsconfig.json', mend: 'make one, as "connector new" does' };
  const compiler = resolveFrom(folder, 'typescript') ?? resolveFrom(productRoot, 'typescript');
  if (compiler === undefined)
    return { level: 'skipped', what, why: 'there is no TypeScript', mend: `run "npm install" in ${folder}` };
  const { code, said } = await compile(path.join(path.dirname(compiler), 'tsc.js'), folder, signal);
  if (code === 0) return { level: 'ok', what, why: 'handlers fit the manifest, for TypeScript' };
  const [first = 'it does not compile', ...more] = said.trim().split('\n');
  const rest = more.length === 0 ? '' : ` (and ${more.length} more lines)`;
  return { level: 'failed', what, why: `${first}${rest}`, mend: `run "npx tsc --noEmit" in ${folder}` };
}

function compile(
  compiler: string,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<{ code: number; said: string }> {
  const child = spawn(process.execPath, [compiler, '--noEmit', '--pretty', 'false', '-p', folder], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: {},
    signal,
  });
  // 'close' follows, also when it was aborted.
  child.on('error', () => undefined);
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code: code ?? 1, said })));
}
