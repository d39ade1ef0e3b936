/**
 * The ways in which a just-in-time credential comes about (docs/credentials.md), one exchange each, and what is kept on disk
 * about secrets that live long: names, versions and dates, never a value or a hash of one.
 */
import { z } from 'zod';

/** What is handed out is never older, whatever a server says. */
export const maxCredentialLifeMs = 3_600_000;
/** Of one secret of a credential: tokens with many claims are long, and a sealed one must fit into a frame. */
export const maxCredentialBytes = 32_768;

const httpsUrl = z.url({ protocol: /^https$/ });
const scope = z.string().min(1).max(500);
/** A path below `/v1/`: no `..`, no query, nothing to escape. */
const vaultPath = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,60}(\/[A-Za-z0-9_][A-Za-z0-9_.-]{0,60}){0,5}$/);
const vaultName = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,60}$/);
const fieldName = z.string().min(1).max(100);
const lifeSeconds = z.int().min(60).max(3600).default(900);

const vaultServer = {
  /** Origin of the server, without `/v1`. */
  url: httpsUrl,
  /** The JWT auth method (`POST /v1/auth/MOUNT/login`) and the role asked for there. */
  login: z.strictObject({ mount: vaultPath.default('jwt'), role: vaultName }),
  /** The scope whose access token Vault's JWT role accepts. */
  scope,
};

export const credentialSchema = z.discriminatedUnion('kind', [
  /** An access token of this connector's own for the API that has this scope. */
  z.strictObject({ kind: z.literal('access-token'), scope }),
  /** OAuth 2.0 token exchange (RFC 8693) at the identity provider. */
  z.strictObject({
    kind: z.literal('token-exchange'),
    audience: z.string().min(1).max(500).optional(),
    resource: z.url().max(500).optional(),
    /** Asked for the new token. */
    scope,
    /** The scope whose access token is exchanged. */
    subjectScope: scope,
  }),
  /** AWS STS AssumeRoleWithWebIdentity. */
  z.strictObject({
    kind: z.literal('aws-sts'),
    /** For its endpoint, where `url` is not given. */
    region: z.string().regex(/^[a-z]{2}(-[a-z]{1,12}){1,3}-[0-9]{1,2}$/),
    url: httpsUrl.optional(),
    roleArn: z.string().regex(/^arn:aws[a-z-]{0,10}:iam::[0-9]{12}:role\/[\w+=,.@/-]{1,512}$/),
    /** Narrows what the role may do. JSON text of a policy; AWS takes at most 2,048 characters. */
    sessionPolicy: z.string().min(1).max(2048).optional(),
    /** Whom the answer must name as source identity; absent: it may name nobody. */
    sourceIdentity: z.enum(['subject', 'username']).optional(),
    durationSeconds: z.int().min(900).max(3600).default(900),
    /** The scope whose access token, a JWT, the role trusts. */
    scope,
  }),
  /** IT's issuer of database logins; the older form is the destination's member `issuer`. */
  z.strictObject({ kind: z.literal('postgres-issuer'), url: httpsUrl, scope }),
  /** A database login of HashiCorp Vault's database engine, with a lease of its own. */
  z.strictObject({
    kind: z.literal('vault-database'),
    ...vaultServer,
    mount: vaultPath.default('database'),
    role: vaultName,
    /** Asked for by renewing the lease where the role's default is shorter. */
    lifeSeconds,
  }),
  /** A secret that lives long because what it opens knows nothing better: read when needed, kept for minutes. */
  z.strictObject({
    kind: z.literal('vault-secret'),
    ...vaultServer,
    /** `kv-v2`: the members of a KV version 2 secret. `database-static`: a login that Vault itself rotates. */
    from: z.discriminatedUnion('engine', [
      z.strictObject({
        engine: z.literal('kv-v2'),
        mount: vaultPath.default('secret'),
        path: vaultPath,
        nameField: fieldName.default('username'),
        secretField: fieldName.default('password'),
        /** IT's service that makes a new one, at the backend and in Vault. `scope`: of the access token it accepts. */
        rotation: z.strictObject({ url: httpsUrl, scope }).optional(),
      }),
      z.strictObject({
        engine: z.literal('database-static'),
        mount: vaultPath.default('database'),
        role: vaultName,
      }),
    ]),
    lifeSeconds,
  }),
]);
export type CredentialWay = z.infer<typeof credentialSchema>;
export type WayOf<K extends CredentialWay['kind']> = Extract<CredentialWay, { kind: K }>;

/** Those with which a person can log in to a database. */
export const loginKinds: readonly CredentialWay['kind'][] = ['postgres-issuer', 'vault-database', 'vault-secret'];

const epochMs = z.int().nonnegative();

export const ledgerEntrySchema = z.strictObject({
  /** Where it stands, for people: `vault.example/secret/app`. */
  name: z.string().min(1).max(500),
  version: z.int().nonnegative(),
  /** The earliest time that anybody named for this version. */
  since: epochMs,
});
export type LedgerEntry = z.infer<typeof ledgerEntrySchema>;

/** Null: there is a ledger that cannot be believed. No long-lived secret is used until the person removed it. */
export const ledgerSchema = z.array(ledgerEntrySchema).max(500).nullable();
export type Ledger = z.infer<typeof ledgerSchema>;

export const secretAge = { warnDays: 75, lastDays: 90 } as const;
const dayMs = 86_400_000;

export function ageDays(since: number, now: number): number {
  return Math.floor(Math.max(0, now - since) / dayMs);
}
