/** Secrets in what was written: whole or either end of them, in every encoding, and PKCE verifiers by their challenge alone. */
import { createHash } from 'node:crypto';
import { searchFor, type Finding, type Needle } from '../../attacks/needles.ts';
import type { Written } from './file-watch.ts';

/** Of either end: enough to know a secret by, and short enough to find one that was cut. */
const longestPiece = 40;
const shortestPiece = 16;
/** What the libraries make: 32 bytes (RFC 7636 §4.1). */
const verifierLength = 43;

export interface Sought {
  readonly needles: readonly Needle[];
  /** `code_challenge` of the sign-ins, each S256. */
  readonly challenges: readonly string[];
}

export interface Seen {
  readonly written: readonly Written[];
  readonly names: Iterable<string>;
}

export function secretsIn({ written, names }: Seen, { needles, challenges }: Sought): Finding[] {
  const search = searchFor(needles.flatMap(piecesOf));
  const wanted = new Set(challenges);
  const inNames = [...names, ...written.map((file) => file.path)].map((name) => ['a name', Buffer.from(name)] as const);
  const inFiles = written.flatMap((file) => file.contents.map((content) => [file.path, content] as const));
  const findings = [...inNames, ...inFiles].flatMap(([place, bytes]) => [
    ...search.inBytes(place, bytes),
    ...verifiersIn(bytes, wanted).map(() => ({ needle: 'pkce-verifier', encoding: 'raw', place })),
  ]);
  return [...new Map(findings.map((finding) => [JSON.stringify(finding), finding])).values()];
}

/** A signed token's header is no secret, and the same in all; what follows it is. */
function piecesOf({ name, value }: Needle): Needle[] {
  const length = Math.min(longestPiece, Math.floor(value.length / 2));
  if (length < shortestPiece) return [{ name, value }];
  const [, claims] = value.split('.');
  return [
    { name, value: (claims ?? value).slice(0, length) },
    { name, value: value.slice(-length) },
  ];
}

function verifiersIn(bytes: Buffer, challenges: ReadonlySet<string>): string[] {
  const runs = bytes.toString('latin1').match(/[\w.~-]{43,}/g) ?? [];
  return runs.flatMap((run) =>
    Array.from({ length: run.length - verifierLength + 1 }, (_, at) => run.slice(at, at + verifierLength)).filter(
      (candidate) => challenges.has(createHash('sha256').update(candidate).digest('base64url')),
    ),
  );
}
