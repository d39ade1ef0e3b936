/**
 * HTTPS destinations, as manifest, configuration, connector and egress name them. Guarantees: a host has one spelling (no decimal,
 * octal or hexadecimal address, no trailing dot, no user name), a rule's path is made of whole plain segments, and every
 * member of a request and of an answer's head has a bound.
 */
import { z } from 'zod';

export const httpMethodSchema = z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']);
export type HttpMethod = z.infer<typeof httpMethodSchema>;

/** How egress signs in there; the connector never takes part. `none`: it does not. */
export const httpAuthenticationSchema = z.enum(['none', 'bearer', 'api-key', 'aws-sigv4']);
export type HttpAuthentication = z.infer<typeof httpAuthenticationSchema>;

/** RFC 9110 §5.1, in lower case. */
export const headerNameSchema = z.string().regex(/^[a-z0-9!#$%&'*+.^_`|~-]{1,64}$/);

const plainCharacters = "A-Za-z0-9._~!$&'()*+,;=:@-";
/** Of a rule's path: literal, or with one `{name}` in it, which stands for one character or more of a segment. */
const ruleSegment = `\\.?[A-Za-z0-9_~!$&'()*+,;=:@-][${plainCharacters}]{0,100}|[${plainCharacters}]{0,100}\\{[A-Za-z0-9_.-]{1,64}\\}[${plainCharacters}]{0,100}`;

/** What may be asked for: one of the methods, at the path or below it, whole segments. */
export const allowRuleSchema = z.strictObject({
  methods: z.array(httpMethodSchema).min(1).max(6),
  path: z.string().regex(new RegExp(`^(?:/|(?:/(?:${ruleSegment})){1,20})$`)),
  /** At the path alone, not below it. */
  exact: z.literal(true).optional(),
});
export type AllowRule = z.infer<typeof allowRuleSchema>;
export const allowRulesSchema = z.array(allowRuleSchema).min(1).max(100);

const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
/** The last label begins with a letter: what ends in a number is an address in some spelling (WHATWG URL, "ends in a number"). */
const lastLabel = '[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?';
const name = new RegExp(`^(?:${label}\\.){0,20}${lastLabel}$`);

/** `host`, `*.suffix` for every name under it (the suffix has two labels at least), or `*`: whichever the configuration names. */
export const hostPatternSchema = z
  .string()
  .regex(
    new RegExp(
      `^(?:\\*|\\*\\.(?:${label}\\.){1,20}${lastLabel}|(?:${label}\\.){0,20}${lastLabel}|[0-9]{1,3}(?:\\.[0-9]{1,3}){3}|[0-9a-f:]{2,39})$`,
    ),
  );

/** A network that a destination may be in, though it is not public: `10.0.0.0/8`, `fd00::/8`. */
export const networkSchema = z
  .string()
  .regex(/^(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}\/[0-9]{1,2}|[0-9a-fA-F:.]{2,45}\/[0-9]{1,3})$/);

/** SHA-256 of a server's public key (SubjectPublicKeyInfo), base64. */
export const pinSchema = z.string().regex(/^[A-Za-z0-9+/]{43}=$/);

/** AWS: what a signature is made for. */
export const awsServiceSchema = z.string().regex(/^[a-z0-9][a-z0-9-]{0,40}$/);
export const awsRegionSchema = z.string().regex(/^[a-z]{2}(-[a-z]{1,12}){1,3}-[0-9]{1,2}$/);

const decimal = /^(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])$/;

/** The one spelling of a host: a name in lower case, an IPv4 address in four decimal parts, or an IPv6 address in lower case. */
export function isPlainHost(host: string): boolean {
  if (host.length > 253) return false;
  if (name.test(host)) return true;
  const parts = host.split('.');
  if (parts.length === 4 && parts.every((part) => decimal.test(part))) return true;
  return host.includes(':') && /^[0-9a-f:]{2,39}$/.test(host);
}

export function matchesHost(pattern: string, host: string): boolean {
  if (pattern === '*') return true;
  if (!pattern.startsWith('*.')) return pattern === host;
  const suffix = pattern.slice(1);
  return name.test(host) && host.endsWith(suffix) && host.length > suffix.length;
}

/** The head of a connector's request; its body follows as the stream's bytes. */
export const httpRequestSchema = z.strictObject({
  method: httpMethodSchema,
  /** With the query, as it goes into the request line. */
  path: z.string().min(1).max(8192),
  headers: z.array(z.tuple([z.string().max(64), z.string().max(4096)])).max(50),
  /** How many bytes of body follow. Absent: none. */
  bodyBytes: z.int().nonnegative().max(16_777_216).optional(),
});
export type HttpRequest = z.infer<typeof httpRequestSchema>;

/** What egress answers first, as UTF-8 JSON behind its length (u32, big endian); the body follows until the stream's end. */
export const httpAnswerSchema = z.strictObject({
  status: z.int().min(200).max(599),
  headers: z.array(z.tuple([z.string().max(256), z.string().max(32_768)])).max(200),
});
export type HttpAnswer = z.infer<typeof httpAnswerSchema>;
export const maxAnswerHeadBytes = 262_144;
