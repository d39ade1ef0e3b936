/** The SDK says its types itself, so that it stands alone as a package: here they are the contract's. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, expectTypeOf, it } from 'vitest';
import type * as sdk from '../../connector-host/sdk/sdk.ts';
import type { Asks } from '../../main/contract/call.ts';
import type { ConnectorResult, LogLevel } from '../../main/contract/channels.ts';
import type { AskKind } from '../../main/contract/manifest.ts';
import type { TableColumn } from '../../main/contract/table.ts';

it('the SDK’s words are the contract’s', () => {
  expectTypeOf<sdk.LogLevel>().toEqualTypeOf<LogLevel>();
  expectTypeOf<sdk.Column>().toEqualTypeOf<TableColumn>();
  expectTypeOf<sdk.AskKind>().toEqualTypeOf<AskKind>();
  expectTypeOf<sdk.Questions>().toEqualTypeOf<Asks['requests']>();
  expectTypeOf<sdk.ConnectorCode>().toEqualTypeOf<Extract<ConnectorResult, { ok: false }>['code']>();
});

it('each export of the SDK is described', () => {
  const root = path.resolve(import.meta.dirname, '../..');
  const source = readFileSync(path.join(root, 'connector-host/sdk/sdk.ts'), 'utf8');
  const page = readFileSync(path.join(root, 'docs/connector-sdk.md'), 'utf8');
  const listed = [...source.matchAll(/^export (?:type )?\{(.*)\}/gm)].flatMap(([, names = '']) => names.split(','));
  const declared = [...source.matchAll(/^export (?:interface|type|function) (\w+)/gm)].map(([, name = '']) => name);
  const names = [...listed.map((name) => name.replace('type ', '').trim()), ...declared];
  expect(names.length).toBeGreaterThan(25);
  // The first column of the page's table: what a cell names, up to what the name is called with.
  const [, table = ''] = page.split('\n| export |');
  const cells = [...(table.split('\n\n')[0] ?? '').matchAll(/^\| (.*?) \|/gm)].map(([, cell = '']) => cell);
  const described = new Set(cells.flatMap((cell) => [...cell.matchAll(/(?<=` ?)[A-Za-z]+(?=[`(<])/g)].map(String)));
  expect(names.filter((name) => !described.has(name))).toEqual([]);
});
