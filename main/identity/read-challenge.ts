/**
 * Reads what a service asks of the next sign-in out of `WWW-Authenticate` (RFC 9110 §11.6.1). Guarantees: bounded, linear; what
 * does not read exactly is no challenge, and the refusal stays a plain one. Trusts: the service, as far as the configuration does.
 */
import { claimsChallengeSchema, type ClaimsChallenge } from '../contract/challenge.ts';
import { parseJson } from './discovery.ts';

const longestHeader = 8192;
/** `name=value` or `name="value"`, or a scheme's name before its first parameter. */
const part =
  /[\s,]*(?:([!#$%&'*+.^_`|~\w-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))|([!#$%&'*+.^_`|~\w-]+)(?=[\s,]|$))/y;

export function readChallenge(header: string | undefined): ClaimsChallenge | undefined {
  if (header === undefined || header.length > longestHeader) return undefined;
  for (const parameters of bearerChallenges(header)) {
    const error = parameters.get('error');
    const asked =
      error === 'insufficient_claims'
        ? { claims: claimsOf(parameters.get('claims')) }
        : error === 'insufficient_user_authentication'
          ? stepUpOf(parameters)
          : undefined;
    const read = claimsChallengeSchema.safeParse(withoutUndefined(asked ?? {}));
    if (read.success && Object.keys(read.data).length > 0) return read.data;
  }
  return undefined;
}

/** Whether it says that tokens of before a moment count no more (continuous access evaluation). */
export function isRevocation({ claims }: ClaimsChallenge): boolean {
  const asked = claims === undefined ? undefined : parseJson(claims);
  const ofToken: unknown = isObject(asked) ? asked['access_token'] : undefined;
  return isObject(ofToken) && 'nbf' in ofToken;
}

/** One entry a `Bearer` challenge; nothing when the header does not read to its end or a parameter stands twice. */
function bearerChallenges(header: string): Map<string, string>[] {
  const found: Map<string, string>[] = [];
  let current: Map<string, string> | undefined;
  part.lastIndex = 0;
  while (!/^[\s,]*$/.test(header.slice(part.lastIndex))) {
    const [, name, quoted, bare, scheme] = part.exec(header) ?? [];
    if (scheme !== undefined) {
      current = scheme.toLowerCase() === 'bearer' ? new Map() : undefined;
      if (current !== undefined) found.push(current);
    } else if (name === undefined) {
      return [];
    } else if (current !== undefined) {
      if (current.has(name.toLowerCase())) return [];
      current.set(name.toLowerCase(), quoted?.replaceAll(/\\(.)/g, '$1') ?? bare ?? '');
    }
  }
  return found;
}

/** base64 of a JSON object; base64url passes too. Written anew, so that the same claims are the same text. */
function claimsOf(encoded: string | undefined): string | undefined {
  if (encoded === undefined || !/^[A-Za-z0-9+/_-]+={0,2}$/.test(encoded)) return undefined;
  const claims = parseJson(Buffer.from(encoded, 'base64').toString('utf8'));
  return isObject(claims) && Object.keys(claims).length > 0 ? JSON.stringify(claims) : undefined;
}

function stepUpOf(parameters: ReadonlyMap<string, string>): Partial<ClaimsChallenge> {
  const acr = parameters.get('acr_values')?.split(' ').filter(Boolean);
  const maxAge = parameters.get('max_age');
  return {
    acrValues: acr !== undefined && acr.length > 0 ? acr : undefined,
    maxAgeSeconds: maxAge !== undefined && /^\d{1,9}$/.test(maxAge) ? Number(maxAge) : undefined,
  };
}

function withoutUndefined(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
