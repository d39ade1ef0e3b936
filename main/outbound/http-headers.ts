/**
 * Which headers of a connector's request go on, and which of an answer come back.
 * Guarantees: nothing that frames a message, names a host, carries a credential, changes the method or path behind our back, or
 * speaks for a proxy is taken from a connector: such a request is refused, not mended. Of an answer, what belongs to this
 * connection, cookies, and everything of an authentication stay here; `www-authenticate` is reduced to its schemes.
 */
import type { HttpAnswer } from '../contract/http.ts';

export type Header = readonly [name: string, value: string];

const hopByHop = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
];

const refusedOfRequest = new Set([
  ...hopByHop,
  'host',
  'content-length',
  'expect',
  'authorization',
  'cookie',
  'cookie2',
  'accept-encoding',
  'alt-used',
  // A request in another's name, or by another way.
  'forwarded',
  'via',
  'x-real-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'true-client-ip',
  'cf-connecting-ip',
  'fastly-client-ip',
  'x-remote-ip',
  'x-remote-addr',
  'x-remote-user',
  'x-host',
  'x-original-host',
  'x-original-url',
  'x-rewrite-url',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-amz-date',
  'x-amz-security-token',
  'x-amz-content-sha256',
]);
const refusedPrefixes = ['proxy-', 'x-forwarded-', 'x-envoy-', 'x-ms-proxy'];

/** With a long token beside them, the head must fit into guarded memory. */
const maxRequestHeaderBytes = 16_384;
const nameText = /^[a-z0-9!#$%&'*+.^`|~-]{1,64}$/;
const valueText = /^(?:[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)?$/;

/** Undefined: one of them may not be sent. Names come out in lower case. `own`: what the presenter writes. */
export function requestHeaders(
  given: readonly (readonly [string, string])[],
  own: readonly string[],
): Header[] | undefined {
  const bytes = given.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  if (bytes > maxRequestHeaderBytes) return undefined;
  const seen = new Set(own);
  const headers: Header[] = [];
  for (const [anyCase, value] of given) {
    const name = anyCase.toLowerCase();
    if (!nameText.test(name) || !valueText.test(value)) return undefined;
    if (refusedOfRequest.has(name) || refusedPrefixes.some((prefix) => name.startsWith(prefix))) return undefined;
    if (seen.has(name)) return undefined;
    seen.add(name);
    headers.push([name, value]);
  }
  return headers;
}

const keptHere = new Set([
  ...hopByHop,
  'set-cookie',
  'set-cookie2',
  'authorization',
  'authentication-info',
  'proxy-authentication-info',
  'content-length',
  'alt-svc',
  'clear-site-data',
  'refresh',
  'location',
  'www-authenticate',
  'strict-transport-security',
  'public-key-pins',
]);

/** `raw`: names and values by turns, as they came. */
export function answerHeaders(raw: readonly string[], own: readonly string[]): HttpAnswer['headers'] {
  const pairs = pairsOf(raw);
  const named = pairs
    .filter(([name]) => name === 'connection')
    .flatMap(([, value]) =>
      value
        .toLowerCase()
        .split(',')
        .map((each) => each.trim()),
    );
  const dropped = new Set([...named, ...own]);
  const kept = pairs.filter(([name]) => !keptHere.has(name) && !dropped.has(name));
  const schemes = schemesOf(pairs);
  return [...kept.map(([name, value]): [string, string] => [name, value]), ...schemes].slice(0, 200);
}

export function pairsOf(raw: readonly string[]): Header[] {
  const pairs: Header[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) pairs.push([(raw[at] ?? '').toLowerCase(), raw[at + 1] ?? '']);
  return pairs;
}

const knownSchemes = ['Basic', 'Bearer', 'Digest', 'DPoP', 'Negotiate'];

function schemesOf(pairs: readonly Header[]): [string, string][] {
  const challenges = pairs.filter(([name]) => name === 'www-authenticate').map(([, value]) => value.toLowerCase());
  const found = knownSchemes.filter((scheme) => challenges.some((value) => value.startsWith(scheme.toLowerCase())));
  return found.length === 0 ? [] : [['www-authenticate', found.join(', ')]];
}
