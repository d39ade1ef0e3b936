/** A manipulated agent below the protocol: bytes on the socket. */
import type { Attack } from './case.ts';

export interface MessageAttack extends Attack {
  /** One line without its newline. */
  readonly bytes: string | Buffer;
}

const deep = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
const ping = (params: string): string => `{"jsonrpc":"2.0","id":1,"method":"ping","params":${params}}`;

const rows: readonly [name: string, bytes: string | Buffer, code: Attack['code']][] = [
  ['no JSON at all', 'GET /mcp', 'malformed'],
  ['JSON that is cut', '{"jsonrpc":"2.0","id":1', 'malformed'],
  ['two values in one line', '{"jsonrpc":"2.0","id":1,"method":"ping"} {}', 'malformed'],
  ['a trailing comma', '{"jsonrpc":"2.0","id":1,"method":"ping",}', 'malformed'],
  ['single quotes', "{'jsonrpc':'2.0','id':1,'method':'ping'}", 'malformed'],
  ['a comment', '{"jsonrpc":"2.0","id":1,/* */"method":"ping"}', 'malformed'],
  ['NaN', ping('{"n":NaN}'), 'malformed'],
  ['a number with a leading zero', ping('{"n":01}'), 'malformed'],
  ['a raw control character in a text', ping('{"n":"a\u0001b"}'), 'malformed'],
  ['a raw NUL', ping('{"n":"a\u0000b"}'), 'malformed'],
  ['a byte order mark', `\uFEFF${ping('{}')}`, 'malformed'],
  ['two ids', '{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', 'malformed'],
  ['two methods', '{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}', 'malformed'],
  [
    'two methods, one of them escaped',
    '{"jsonrpc":"2.0","id":1,"method":"ping","\\u006dethod":"tools/call"}',
    'malformed',
  ],
  ['__proto__', ping('{"__proto__":{"a":1}}'), 'malformed'],
  ['__proto__, escaped', ping('{"\\u005f\\u005fproto__":{"a":1}}'), 'malformed'],
  ['constructor', ping('{"constructor":{"prototype":{}}}'), 'malformed'],
  ['prototype', ping('{"prototype":1}'), 'malformed'],
  ['a lone surrogate in a text', ping('{"a":"\\ud800"}'), 'malformed'],
  ['a lone low surrogate in a text', ping('{"a":"\\udc00x"}'), 'malformed'],
  ['a lone surrogate in a name', ping('{"\\ud800":1}'), 'malformed'],
  ['65 levels', ping(deep(65)), 'malformed'],
  ['100,000 levels', deep(100_000), 'malformed'],
  ['100,000 levels that never close', '{"a":'.repeat(100_000), 'malformed'],
  ['60,000 elements', ping(`[${'0,'.repeat(60_000)}0]`), 'malformed'],
  ['an empty batch', '[]', 'malformed'],
  ['a batch', '[{"jsonrpc":"2.0","id":1,"method":"ping"}]', 'malformed'],
  ['a text', '"ping"', 'malformed'],
  ['null', 'null', 'malformed'],
  ['no version', '{"id":1,"method":"ping"}', 'malformed'],
  ['another version', '{"jsonrpc":"1.0","id":1,"method":"ping"}', 'malformed'],
  ['a null id', '{"jsonrpc":"2.0","id":null,"method":"ping"}', 'malformed'],
  ['an object as id', '{"jsonrpc":"2.0","id":{},"method":"ping"}', 'malformed'],
  ['a fraction as id', '{"jsonrpc":"2.0","id":1.5,"method":"ping"}', 'malformed'],
  ['a method that is a list', '{"jsonrpc":"2.0","id":1,"method":["ping"]}', 'malformed'],
  ['params that are a list', ping('[1]'), 'malformed'],
  ['params that are a text', ping('"x"'), 'malformed'],
  ['an overlong encoding of "/"', Buffer.from([0x22, 0xc0, 0xaf, 0x22]), 'invalid_utf8'],
  ['a surrogate in UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 'invalid_utf8'],
  ['a character that is cut', Buffer.from([0x22, 0xe2, 0x82, 0x22]), 'invalid_utf8'],
  ['beyond Unicode', Buffer.from([0x22, 0xf5, 0x80, 0x80, 0x80, 0x22]), 'invalid_utf8'],
  ['UTF-16', Buffer.from('\uFEFF{"a":1}', 'utf16le'), 'invalid_utf8'],
  ['a line over 4 MiB', Buffer.alloc(4 * 1024 * 1024 + 10, 0x61), 'frame_too_large'],
  ['an unknown method', '{"jsonrpc":"2.0","id":1,"method":"tools/approve"}', 'unknown_method'],
  ['a method of its own', '{"jsonrpc":"2.0","id":1,"method":"sallyport/allow"}', 'unknown_method'],
  ['a method of Object', '{"jsonrpc":"2.0","id":1,"method":"toString"}', 'unknown_method'],
  ['a method named __proto__', '{"jsonrpc":"2.0","id":1,"method":"__proto__"}', 'unknown_method'],
  ['a client’s own method', '{"jsonrpc":"2.0","id":1,"method":"elicitation/create"}', 'unknown_method'],
  ['a method with a space behind it', '{"jsonrpc":"2.0","id":1,"method":"tools/call "}', 'unknown_method'],
];

export const agentMessages: readonly MessageAttack[] = rows.map(([name, bytes, code]) => ({
  adversary: 'manipulated agent',
  name,
  bytes,
  code,
}));
