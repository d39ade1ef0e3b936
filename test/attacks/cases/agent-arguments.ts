/** A manipulated agent in the arguments of a call: as it writes them, byte for byte. */
import type { Attack } from './case.ts';

export interface ArgumentAttack extends Attack {
  readonly tool: string;
  /** JSON text of `arguments`. */
  readonly raw: string;
}

const json = JSON.stringify;
const nested = (depth: number): string => '{"next":'.repeat(depth) + '{}' + '}'.repeat(depth);

/** Types, bounds and members that the schema does not declare. */
const shapes: readonly [name: string, raw: string][] = [
  ['a number where text is', '{"text":1}'],
  ['an object where text is', '{"text":{"toString":"x"}}'],
  ['a list where text is', '{"text":["DROP TABLE x"]}'],
  ['null where text is', '{"text":null}'],
  ['text where a number is', '{"count":"1"}'],
  ['text that starts a number', '{"count":"1; DROP TABLE x"}'],
  ['a boolean where a number is', '{"count":true}'],
  ['text where a boolean is', '{"flag":"true"}'],
  ['a number where a boolean is', '{"flag":1}'],
  ['a fraction where an integer is', '{"count":1.5}'],
  ['a number below its bound', '{"count":-11}'],
  ['a number above its bound', '{"count":1000001}'],
  ['an integer that is silently another', '{"ratio":9007199254740993}'],
  ['a number beyond what there is', '{"ratio":1e999}'],
  ['a negative number beyond what there is', '{"ratio":-1e999}'],
  ['a huge integer', `{"ratio":${'9'.repeat(400)}}`],
  ['an integer written as a huge power', '{"count":1e300}'],
  ['a day that is none', '{"day":"2026-02-30"}'],
  ['a day with more behind it', '{"day":"2026-02-03\'; --"}'],
  ['a word that is not of the list', '{"kind":"LONG"}'],
  ['a list where one word is', '{"kind":["short"]}'],
  ['a list with an object in it', '{"list":[{"a":1}]}'],
  ['a list in a list', '{"list":[[1]]}'],
  ['an object where a list is', '{"list":{"0":"a","length":1}}'],
  ['a list that is too long', `{"list":[${'1,'.repeat(20_000)}1]}`],
  ['17 levels', `{"tree":${nested(17)}}`],
  ['20,000 values, each allowed', `{"list":[${'1,'.repeat(19_000)}1]}`],
  ['a text that is too long', json({ text: 'a'.repeat(262_145) })],
  ['an undeclared member', '{"text":"x","limit":1}'],
  ['an undeclared member deep inside', '{"tree":{"next":{"extra":1}}}'],
  ['an empty name', '{"":1}'],
  ['a member’s name with a NUL', '{"text\\u0000":"x"}'],
  ['a declared name in other case', '{"TEXT":"x"}'],
  ['a declared name in Cyrillic', json({ tехt: 'x' })],
  ['a declared name in full width', json({ ｔｅｘｔ: 'x' })],
  ['a declared name with something invisible', json({ 'text\u200B': 'x' })],
  ['a member of Object', '{"hasOwnProperty":1}'],
  ['toJSON', '{"toJSON":"x"}'],
  ['then', '{"then":"x"}'],
  ['a JSON Schema', '{"$ref":"#/$defs/tree"}'],
  ['an operator of a query language', '{"text":{"$ne":null}}'],
  ['what approves', '{"text":"x","approved":true}'],
  ['a call id of its own', '{"callId":"00000000-0000-4000-8000-000000000000"}'],
  ['a ticket of its own', json({ ticket: 'A'.repeat(43) })],
  ['a longer deadline', '{"deadlineMs":3600000}'],
  ['an exposure of its own', '{"exposure":"sensitive"}'],
  ['_meta inside the arguments', '{"_meta":{"user":"bob"}}'],
];

/** Named like an identity, and declared by nobody. */
const identities = [
  'user_id',
  'userName',
  'upn',
  'sub',
  'oid',
  'tenant',
  'roles',
  'groups',
  'principal',
  'on_behalf_of',
  'impersonate',
  'as_user',
  'run_as',
  'session_user',
  'x-ms-client-principal',
  'x-forwarded-user',
  'authorization',
  'access_token',
  'cookie',
  'password',
];

/** Refused at the door: what two readers could take for different things. */
const ambiguous: readonly [name: string, raw: string][] = [
  ['one argument twice', '{"text":"a","text":"b"}'],
  ['one argument twice, once escaped', '{"text":"a","\\u0074ext":"b"}'],
  ['one member twice, deep inside', '{"tree":{"next":{"text":"a","text":"b"}}}'],
  ['__proto__ with what a schema wants', '{"__proto__":{"text":"x"}}'],
  ['__proto__ deep inside', '{"tree":{"next":{"__proto__":{"text":"x"}}}}'],
  ['constructor.prototype', '{"constructor":{"prototype":{"flag":true}}}'],
  ['a lone surrogate in an argument', '{"text":"a\\ud83d"}'],
  ['surrogates in the wrong order', '{"text":"\\ude00\\ud83d"}'],
];

const tables: readonly [name: string, table: string][] = [
  ['Cyrillic letters among Latin ones', 'оrders'],
  ['Cyrillic letters alone', 'хсе'],
  ['Greek letters among Latin ones', 'ordεrs'],
  ['full-width letters', 'ｏrders'],
  ['mathematical letters', '𝐨rders'],
  ['a ligature', 'oﬃce'],
  ['something invisible', 'or\u200Dders'],
  ['a soft hyphen', 'or\u00ADders'],
  ['a direction override', 'or\u202Eders'],
  ['a direction isolate', '\u2066orders'],
  ['a tag character', 'orders\u{E0041}'],
  ['a variation selector', 'orders\uFE0F'],
  ['a blank Braille pattern', 'orders\u2800x'],
  ['a space that is none', 'my\u00A0orders'],
  ['a NUL', 'orders\0'],
  ['a line break', 'orders\nusers'],
  ['an escape sequence', 'orders\u001B[2K'],
  ['a decomposed letter', 'u\u0308bersicht'],
  ['a space behind it', 'orders '],
  ['a line separator', 'orders\u2028users'],
  ['a private character', 'orders\uE000'],
];

const folders: readonly [name: string, folder: string][] = [
  ['a step up', '../secrets'],
  ['steps up inside', 'reports/../../secrets'],
  ['a step up at the end', 'reports/..'],
  ['a step that stays', 'reports/./x'],
  ['backslashes', 'reports\\..\\secrets'],
  ['a percent-encoded dot', 'reports/%2E%2e/secrets'],
  ['a percent-encoded separator', 'reports%2fsecrets'],
  ['a percent-encoded NUL', 'reports/x%00.txt'],
  ['full-width dots', 'reports/．．/secrets'],
  ['a two-dot leader', 'reports/\u2025/secrets'],
  ['a division slash that NFKC folds', 'reports／secrets'],
  ['a reversed extension', 'reports/\u202Ecod.exe'],
  ['a NUL before the extension', 'reports/x.exe\0.txt'],
  ['dots with a space', 'reports/.. /secrets'],
];

/** `by_table` judges by a member that its manifest does not mark. */
const resources: readonly [name: string, raw: string, code: Attack['code']][] = [
  ['another table', '{"table":"salaries"}', 'not_permitted'],
  ['no table', '{}', 'invalid_arguments'],
  ['an empty table', '{"table":""}', 'invalid_arguments'],
  ['the allowed table in other case', '{"table":"Orders"}', 'not_permitted'],
  ['the allowed table and another', '{"table":"orders, salaries"}', 'not_permitted'],
  ['the allowed table with quotes', '{"table":"\\"orders\\""}', 'not_permitted'],
  ['the allowed table in Cyrillic', json({ table: 'оrders' }), 'invalid_arguments'],
  ['the allowed table with a NUL', json({ table: 'orders\0' }), 'invalid_arguments'],
  ['a step up from the allowed table', '{"table":"orders/../salaries"}', 'invalid_arguments'],
  ['a step up with backslashes', json({ table: 'orders\\..\\salaries' }), 'invalid_arguments'],
  ['a step up, percent-encoded', '{"table":"orders/%2e%2e/salaries"}', 'invalid_arguments'],
  ['the allowed table in a list', '{"table":["orders"]}', 'invalid_arguments'],
];

const attack = (name: string, raw: string, more: Partial<ArgumentAttack> = {}): ArgumentAttack => ({
  adversary: 'manipulated agent',
  name,
  tool: 'probe_find',
  raw,
  code: 'invalid_arguments',
  ...more,
});

export const agentArguments: readonly ArgumentAttack[] = [
  ...shapes.map(([name, raw]) => attack(name, raw)),
  ...identities.map((name) => attack(`a member named ${name}`, json({ text: 'x', [name]: 'bob' }))),
  ...ambiguous.map(([name, raw]) => attack(name, raw, { code: 'malformed' })),
  ...tables.map(([name, table]) => attack(`a name with ${name}`, json({ table }))),
  ...folders.map(([name, folder]) => attack(`a path with ${name}`, json({ folder }))),
  ...resources.map(([name, raw, code]) => attack(`a resource: ${name}`, raw, { tool: 'probe_by_table', code })),
];
