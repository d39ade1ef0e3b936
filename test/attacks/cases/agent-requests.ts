/** A manipulated agent in the protocol: tools, resources and states that are not its own, or not there. */
import type { Attack } from './case.ts';

export interface RequestAttack extends Attack {
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

const call = (name: unknown, more: Record<string, unknown> = {}) => ({ name, arguments: { text: 'x' }, ...more });

const calls: readonly [name: string, params: Record<string, unknown>, code: Attack['code']][] = [
  ['a tool that nobody has', call('probe_nothing'), 'unknown_tool'],
  ['a tool without its prefix', call('find'), 'unknown_tool'],
  ['a tool in other case', call('Probe_Find'), 'unknown_tool'],
  ['a tool with a space behind it', call('probe_find '), 'unknown_tool'],
  ['a tool with a NUL behind it', call('probe_find\0'), 'unknown_tool'],
  ['a tool in Cyrillic', call('рrobe_find'), 'unknown_tool'],
  ['a tool in full width', call('ｐrobe_find'), 'unknown_tool'],
  ['a tool with something invisible', call('probe_\u200Bfind'), 'unknown_tool'],
  ['a tool of another connector', call('postgres_query'), 'unknown_tool'],
  ['a path to a tool', call('probe_secret/../probe_find'), 'unknown_tool'],
  ['a tool named __proto__', call('__proto__'), 'unknown_tool'],
  ['a tool named constructor', call('constructor'), 'unknown_tool'],
  ['an empty name', call(''), 'unknown_tool'],
  ['a name of 100,000 characters', call('probe_find'.repeat(10_000)), 'unknown_tool'],
  [
    'the hidden tool of a resource, as a tool',
    call('probe_read', { arguments: { uri: 'probe://one' } }),
    'unknown_tool',
  ],
  ['the hidden tool of a forbidden resource', call('probe_vault', { arguments: { uri: 'x' } }), 'unknown_tool'],
  ['a name that is a list', call(['probe_find']), 'malformed'],
  ['no name', { arguments: {} }, 'malformed'],
  ['arguments that are a list', call('probe_find', { arguments: [1] }), 'malformed'],
  ['arguments that are JSON in a text', call('probe_find', { arguments: '{"text":"x"}' }), 'malformed'],
  ['a tool that policy forbids', call('probe_secret'), 'not_permitted'],
  [
    'a tool that policy forbids, as somebody else',
    call('probe_secret', { user: 'admin', principal: 'admin' }),
    'not_permitted',
  ],
  [
    'a tool that policy forbids, with metadata that claims a role',
    call('probe_secret', { _meta: { roles: ['admin'], 'sallyport/exposure': 'sensitive' } }),
    'not_permitted',
  ],
  ['what writes, where nobody can be asked', call('probe_write'), 'approval_denied'],
  ['what administers, where nobody can be asked', call('probe_purge'), 'approval_denied'],
  [
    'what writes, with an approval of its own',
    call('probe_write', { _meta: { approval: 'approve' } }),
    'approval_denied',
  ],
  [
    'an answer to a question that nobody asked',
    call('probe_write', { inputResponses: { a: { action: 'accept' } } }),
    'approval_denied',
  ],
  ['a state that is a number', call('probe_asks', { requestState: 1 }), 'malformed'],
  ['a state that nobody sealed', call('probe_asks', { requestState: 'A'.repeat(200) }), 'malformed'],
  ['a state that is JSON', call('probe_asks', { requestState: '{"approved":true}' }), 'malformed'],
  ['an empty state', call('probe_asks', { requestState: '' }), 'malformed'],
  ['a state of a megabyte', call('probe_asks', { requestState: 'A'.repeat(1_000_000) }), 'malformed'],
  ['answers that are a list', call('probe_asks', { inputResponses: [] }), 'malformed'],
];

const made = 'A'.repeat(22);
const addresses: readonly [name: string, uri: unknown, code: Attack['code']][] = [
  ['a resource that nobody has', 'probe://two', 'malformed'],
  ['a resource in other case', 'PROBE://one', 'malformed'],
  ['a resource with a query', 'probe://one?x', 'malformed'],
  ['a resource with a fragment', 'probe://one#vault', 'malformed'],
  ['a resource by a step up', 'probe://one/../vault', 'malformed'],
  ['a forbidden resource', 'probe://vault', 'not_permitted'],
  ['a file', 'file:///etc/passwd', 'malformed'],
  ['an address of a network', 'http://169.254.169.254/latest/meta-data/', 'malformed'],
  ['a reference that nobody got', `sallyport://reference/${made}`, 'malformed'],
  ['a reference with a path', 'sallyport://reference/../limits.json', 'malformed'],
  ['a reference with an encoded path', 'sallyport://reference/%2e%2e%2flimits.json', 'malformed'],
  ['a reference without an id', 'sallyport://reference/', 'malformed'],
  ['a reference with a NUL', `sallyport://reference/${made}\0`, 'malformed'],
  ['a reference from a row below the first', `sallyport://reference/${made}?from=-1`, 'malformed'],
  ['an address that is a list', ['probe://one'], 'malformed'],
  ['an address of 100,000 characters', `probe://${'a'.repeat(100_000)}`, 'malformed'],
];

const others: readonly [name: string, method: string, params: Record<string, unknown>, code: Attack['code']][] = [
  ['a prompt where there are none', 'prompts/get', { name: 'x' }, 'unknown_method'],
  [
    'a completion where there are none',
    'completion/complete',
    { ref: { type: 'ref/prompt', name: 'x' } },
    'unknown_method',
  ],
  ['a page of a list that has one', 'tools/list', { cursor: 'AAAA' }, 'malformed'],
];

export const agentRequests: readonly RequestAttack[] = [
  ...calls.map(([name, params, code]) => ({ name, method: 'tools/call', params, code })),
  ...addresses.map(([name, uri, code]) => ({ name, method: 'resources/read', params: { uri }, code })),
  ...others.map(([name, method, params, code]) => ({ name, method, params, code })),
].map((attack) => ({ adversary: 'manipulated agent', ...attack }));
