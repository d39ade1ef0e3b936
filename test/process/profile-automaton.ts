/**
 * What a profile of AppArmor allows, asked of the automaton that the real parser makes of it: the form that a kernel would load,
 * with its includes and variables. So a kernel without AppArmor can still say whether a file that was opened would have been.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const source = path.resolve(import.meta.dirname, '../../entitlements/linux/apparmor');
const system = '/etc/apparmor.d';
/** With every kind of rule, where the running kernel has none. */
const features = path.join(system, 'abi/3.0');

/** Nothing where the package is not installed. */
export function apparmorParser(): string | undefined {
  return ['/usr/sbin/apparmor_parser', '/sbin/apparmor_parser'].find((file) => existsSync(file));
}

export interface Compiled {
  readonly code: number | null;
  readonly said: string;
}

/** @param includes looked through first */
export function compile(text: string, includes: readonly string[] = [], ...more: readonly string[]): Compiled {
  const searched = [...includes, source, system].flatMap((folder) => ['-I', folder]);
  const flags = ['-QK', '--Werror', '--warn=all', `--kernel-features=${features}`, '--config-file=/dev/null'];
  const { status, stderr } = spawnSync(apparmorParser() ?? '', [...flags, ...searched, ...more], {
    input: text,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  return { code: status, said: stderr };
}

export const profiles = (): string => readFileSync(path.join(source, 'sallyport'), 'utf8');

/** apparmor.d(5): bits of a file rule for the owner; those of others lie 14 higher. */
const rights = { x: 1, w: 2, r: 4, k: 32, m: 64 } as const;
export type Right = keyof typeof rights;

export interface Profile {
  allows(file: string, right: Right, isOwn: boolean): boolean;
  /** Whether it may make such a socket at all. */
  allowsSocket(family: 'unix' | 'inet' | 'inet6', type: 'stream' | 'dgram'): boolean;
}

/** @param places variables of tunables/sallyport that are somewhere else here, @param homes what is a home as well */
export function compileProfile(
  name: string,
  places: Readonly<Record<string, string>> = {},
  homes: readonly string[] = [],
): Profile {
  const text = profiles();
  const head = text.slice(0, text.indexOf('\n# Electron'));
  const own = new RegExp(`^profile ${name} .*?^\\}`, 'ms').exec(text)?.[0];
  if (own === undefined) throw new Error(`there is no profile ${name}`);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sp-profile-'));
  try {
    mkdirSync(path.join(folder, 'tunables'));
    const tunables = readFileSync(path.join(source, 'tunables/sallyport'), 'utf8').replace(
      /^(@\{\w+\})=.*$/gm,
      (line, variable: string) => (places[variable] === undefined ? line : `${variable}=${places[variable]}`),
    );
    writeFileSync(
      path.join(folder, 'tunables/sallyport'),
      homes.map((home) => `@{HOME}+=${home}/\n`).join('') + tunables,
    );
    const { code, said } = compile(`${head}\n${own}\n`, [folder], '-D', 'dfa-states');
    if (code !== 0) throw new Error(said.slice(0, 2000));
    // Which programs it is for; files; everything else. Those of a profile inside follow.
    const [, files, others] = said
      .split(/^(?=\{1\} <==)/m)
      .flatMap((part) => (part === '' ? [] : [readAutomaton(part)]));
    if (files === undefined || others === undefined) throw new Error('the parser said something else');
    return profileOf(files, others);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function profileOf(files: Automaton, others: Automaton): Profile {
  const socketClass = 14;
  const families = { unix: 1, inet: 2, inet6: 10 };
  const types = { stream: 1, dgram: 2 };
  return {
    allows(file, right, isOwn) {
      const { allowed, denied } = follow(files, Buffer.from(file));
      return (allowed & ~denied & (rights[right] << (isOwn ? 0 : 14))) !== 0;
    },
    allowsSocket(family, type) {
      const { allowed, denied } = follow(others, Buffer.from([socketClass, 0, families[family], 0, types[type]]));
      return (allowed & ~denied) !== 0;
    },
  };
}

interface State {
  readonly next: Map<number, number>;
  /** Of every byte that is not excepted. */
  rest?: { readonly to: number; readonly but: ReadonlySet<number> };
}

interface Verdict {
  readonly allowed: number;
  readonly denied: number;
}

interface Automaton {
  readonly states: ReadonlyMap<number, State>;
  readonly verdicts: ReadonlyMap<number, Verdict>;
}

const nothing: Verdict = { allowed: 0, denied: 0 };

function follow({ states, verdicts }: Automaton, bytes: Buffer): Verdict {
  let at = 1;
  for (const byte of bytes) {
    const { next, rest } = states.get(at) ?? { next: new Map<number, number>() };
    const to = next.get(byte) ?? (rest === undefined || rest.but.has(byte) ? undefined : rest.to);
    if (to === undefined) return nothing;
    at = to;
  }
  return verdicts.get(at) ?? nothing;
}

/** As `-D dfa-states` writes it: what states allow, then each state with where its bytes lead. */
function readAutomaton(text: string): Automaton {
  const states = new Map<number, State>();
  const verdicts = new Map<number, Verdict>();
  let state: State = { next: new Map() };
  for (const line of text.split('\n')) {
    const [, judged, allowed, denied] = /^\{(\d+)\} \(0x ([0-9a-f]+)\/([0-9a-f]+)\//.exec(line) ?? [];
    const [, begun] = /^\{(\d+)\} perms:/.exec(line) ?? [];
    const [rest, but = '', restTo] = /^ {4}\[(?:\^(.*))?\] -> \{(\d+)\}/.exec(line) ?? [];
    const [, byte, to] = /^ {4}.*?0x([0-9a-f]+) -> \{(\d+)\}/.exec(line) ?? [];
    if (judged !== undefined)
      verdicts.set(Number(judged), { allowed: parseInt(allowed ?? '', 16), denied: parseInt(denied ?? '', 16) });
    else if (begun !== undefined) states.set(Number(begun), (state = { next: new Map() }));
    else if (rest !== undefined) state.rest = { to: Number(restTo), but: bytesOf(but) };
    else if (byte !== undefined) state.next.set(parseInt(byte, 16), Number(to));
  }
  return { states, verdicts };
}

/** NUL is written as `\x0`, whatever follows. */
function bytesOf(written: string): Set<number> {
  const found = written.matchAll(/\\x0|\\x([1-9a-f][0-9a-f]?)|\\(.)|(.)/gs);
  return new Set(
    [...found].map(([, hex, escaped, plain]) => (hex ? parseInt(hex, 16) : (escaped ?? plain ?? '\0').charCodeAt(0))),
  );
}
