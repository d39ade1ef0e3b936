/** A folder whose manifest wraps an MCP server that is there already: looked at and hashed now, never fetched, not started. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { readRegisteredServer } from '../connectors/wrapped/registered.ts';
import { readServerProgram } from '../connectors/wrapped/server-program.ts';
import { Fault } from '../contract/errors.ts';
import { manifestSchema } from '../contract/manifest.ts';
import { connectorNameOf, json, makeFolder } from './scaffold.ts';

export interface Wrapping {
  readonly command: string;
  readonly args: readonly string[];
  /** A folder with all of its code. */
  readonly program: string | undefined;
  /** What it is granted, as its author writes it: relative to where they are. */
  readonly read: readonly string[];
  readonly write: readonly string[];
  readonly looksSecret: (text: string) => boolean;
}

/** @throws Fault `malformed`: why it cannot be wrapped; then nothing was made. Gives what to tell. */
export function scaffoldWrap(target: string, wrapping: Wrapping): readonly string[] {
  const { args, looksSecret } = wrapping;
  const name = connectorNameOf(target);
  const command = wrapping.command.includes('/') ? path.resolve(wrapping.command) : wrapping.command;
  const files = [
    ...wrapping.read.map((place) => ({ path: path.resolve(place) })),
    ...wrapping.write.map((place) => ({ path: path.resolve(place), mode: 'write' as const })),
  ];
  const program = wrapping.program === undefined ? {} : { program: path.resolve(wrapping.program) };
  const given = (more: object): object => ({
    ...{ name, version: '0.1.0', title: name, description: 'Says in one sentence what agents can do with it.' },
    wrap: { command, args, ...program, ...more, tools: {} },
    ...(files.length === 0 ? {} : { files }),
  });
  const refuse = (reason: string): Fault => new Fault('malformed', `${name}: ${reason}`);
  const parsed = manifestSchema.safeParse(given({}));
  const wrap = parsed.data?.wrap;
  if (wrap === undefined) throw refuse(parsed.error?.issues[0]?.message ?? 'it wraps nothing');
  const granted = parsed.data?.files;
  const found = readServerProgram(target, { wrap, ...(granted && { files: granted }) }, ({ reason }) => refuse(reason));
  const whole = given({ sha256: found.sha256 });
  const manifest = manifestSchema.parse(whole);
  // Once more as a start reads it: what looks like a credential stops it here.
  const asJson = { refuse: (_where: readonly PropertyKey[], reason: string) => refuse(reason) };
  readRegisteredServer(target, { manifest, json: asJson, ours: [], looksSecret });
  makeFolder(target);
  writeFileSync(path.join(target, 'manifest.json'), json(whole), { flag: 'wx' });
  return [
    `server   ${[found.real, ...args].join(' ')}`,
    `hash     ${found.sha256}: of ${found.program === null ? 'the command and each file among its arguments' : `the command and all of ${found.program}`}`,
    ...found.files.map(({ path: place, mode }) => `${mode.padEnd(8)} ${place}`),
    'then name in "wrap", "tools" what the test shows and is wanted: what is not named is at its safest',
  ];
}
