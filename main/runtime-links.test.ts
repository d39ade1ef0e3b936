import { linkSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { runtimeAs } from './runtime-links.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'sallyport-links-'));
const at = (name: string): string => path.join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

it('is the link beside the runtime, whichever of its names the runtime has, and else the runtime', () => {
  writeFileSync(at('node'), 'the runtime');
  linkSync(at('node'), at('sallyport-vault'));
  linkSync(at('node'), at('sallyport-exchange'));
  expect(runtimeAs('vault', at('node'))).toBe(at('sallyport-vault'));
  expect(runtimeAs('exchange', at('sallyport-vault'))).toBe(at('sallyport-exchange'));
  expect(runtimeAs('gateway', at('node'))).toBe(at('node'));
});

it('is never another file of that name', () => {
  writeFileSync(at('sallyport-egress'), 'the runtime');
  symlinkSync(at('node'), at('sallyport-connector'));
  expect(runtimeAs('egress', at('node'))).toBe(at('node'));
  expect(runtimeAs('connector', at('node'))).toBe(at('node'));
});
