/** `sallyport.json` (INTERFACE "Configuration"). Unknown keys and wrong types stop the start. */
import { z } from 'zod';
import { demandedLevels } from './connector-process.ts';
import { credentialSchema, loginKinds, type CredentialWay } from './credentials.ts';
import {
  allowRulesSchema,
  awsRegionSchema,
  awsServiceSchema,
  headerNameSchema,
  httpAuthenticationSchema,
  networkSchema,
  pinSchema,
} from './http.ts';
import { definitionsHashSchema } from './definitions.ts';
import { classificationSchema, columnLabelsSchema } from './labels.ts';
import { connectorNameSchema, destinationNameSchema } from './manifest.ts';
import { withLab } from './with-lab.ts';

const httpsUrl = z.url({ protocol: /^https$/ });

/** Where the provider's security events are fetched (OpenID Shared Signals, RFC 8936). */
const securityEventsSchema = z.strictObject({
  url: httpsUrl,
  /** Of the access token that the transmitter accepts; without it: the first API scope of the sign-in. */
  scope: z.string().min(1).max(500).optional(),
  /** `aud` of the events; without it: the client. */
  audience: z.string().min(1).max(500).optional(),
  intervalSeconds: z.number().min(1).max(3600).default(60),
});

/** What some OpenID providers need beyond the standard (docs/setup); of kind `oidc` only. */
const openidSchema = z.strictObject({
  /** Where the provider compares the redirect's port too; without it: any free one. */
  redirectPort: z.int().min(1024).max(65_535).optional(),
  /** What a provider calls the secret of a desktop client. It is none: everybody who has the program has it (RFC 8252 §8.5). */
  publicClientSecret: z
    .string()
    .regex(/^[\x21-\x7e]{1,200}$/)
    .optional(),
  /** Asks for a refresh token where the scope `offline_access` is unknown. */
  accessType: z.literal('offline').optional(),
  /** Where the provider refuses `prompt=login`: its own browser session counts, the person only chooses in it. */
  loginPrompt: z.literal('select_account').optional(),
});

const provider = {
  /** `entra`: MSAL's own mode; `oidc`: any provider by discovery. */
  kind: z.enum(['entra', 'oidc']),
  authority: httpsUrl,
  clientId: z.string().min(1).max(200),
  /** Every API scope the connectors need; a refresh can only narrow, so all are asked for at sign-in. */
  scopes: z.array(z.string().min(1)).min(1).max(50),
  /** Sent to the provider, which then offers that name. */
  loginHint: z.string().min(1).max(320).optional(),
  openid: openidSchema.optional(),
  events: securityEventsSchema.optional(),
};

const accountSchema = z.strictObject(provider).partial();

export const accountNameSchema = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/);

export const identityConfigSchema = z.strictObject({
  ...provider,
  /** Further accounts by name: what they say replaces what stands beside. One is signed in at a time. */
  accounts: z
    .record(accountNameSchema, accountSchema)
    .refine((accounts) => !Object.hasOwn(accounts, 'default'), 'the account "default" is identity itself')
    .refine((accounts) => Object.keys(accounts).length <= 20, 'at most 20 accounts')
    .optional(),
  /** Longest time between a person being disabled and access ending, minutes. */
  policyWindowMinutes: z.number().positive().max(60).default(15),
  /** How long a sign-in may stay open in the browser, minutes. */
  signInTimeoutMinutes: z.number().positive().max(60).default(10),
  /** What a locked screen does to access; without it: pause. "nothing" counts only in managed settings. */
  onLock: z.enum(['pause', 'sign-out', 'nothing']).optional(),
  /** After a longer sleep of the computer the person signs in again, minutes; without it: 10. */
  longestSleepMinutes: z.number().positive().max(60).optional(),
});
export type IdentityConfig = z.infer<typeof identityConfigSchema>;

const configuredIdentity = identityConfigSchema.refine(
  ({ kind, openid, accounts = {} }) =>
    [{ kind, openid }, ...Object.values(accounts)].every(
      (one) => one.openid === undefined || (one.kind ?? kind) === 'oidc',
    ),
  '"openid" is only for the kind "oidc"',
);

/** Where a just-in-time database login comes from: IT's service, which validates the person's access token. */
export const postgresIssuerSchema = z.strictObject({
  url: httpsUrl,
  /** The scope whose access token the issuer accepts. */
  scope: z.string().min(1),
});

/** At most one of `issuer` and `credential`: `checkedDestination`; what the manifest's destination needs is the registry's. */
export const destinationConfigSchema = z.strictObject({
  host: z.string().min(1).max(253),
  port: z.int().min(1).max(65_535),
  /** Where a login is for a database. */
  database: z.string().min(1).max(63).optional(),
  issuer: postgresIssuerSchema.optional(),
  credential: credentialSchema.optional(),
  /** Of HTTPS: less than the manifest allows. */
  allow: allowRulesSchema.optional(),
  /** Of HTTPS: networks that are not public, and that its address may be in. */
  networks: z.array(networkSchema).max(20).optional(),
  /** Of HTTPS: SHA-256 of public keys, of which the server's certificate must have one. */
  pins: z.array(pinSchema).min(1).max(10).optional(),
  /** Of AWS, where the credential does not say it. */
  region: awsRegionSchema.optional(),
});
/** Without a protocol: PostgreSQL. */
export const egressDestinationSchema = destinationConfigSchema.extend({
  https: z
    .strictObject({
      authentication: httpAuthenticationSchema,
      /** A request must fit into each of these lists: the manifest's, managed settings', the configuration's. */
      rules: z.array(allowRulesSchema).min(1).max(3),
      header: headerNameSchema.optional(),
      service: awsServiceSchema.optional(),
    })
    .optional(),
});
export type EgressDestination = z.infer<typeof egressDestinationSchema>;
export type DestinationConfig = z.infer<typeof destinationConfigSchema>;

/** How its credential comes about; undefined where it says nothing, or two things. */
export function wayOf({ issuer, credential }: DestinationConfig): CredentialWay | undefined {
  if (issuer === undefined) return credential;
  return credential === undefined ? { kind: 'postgres-issuer', ...issuer } : undefined;
}

const checkedDestination = destinationConfigSchema.superRefine((destination, context) => {
  const { issuer, credential, database } = destination;
  const refuse = (key: string, message: string): void => {
    context.addIssue({ code: 'custom', path: [key], message });
  };
  if (issuer !== undefined && credential !== undefined)
    refuse('credential', '"issuer" says already where the login comes from: write one of the two');
  const way = wayOf(destination);
  if (way === undefined) return;
  if (loginKinds.includes(way.kind) && way.kind !== 'vault-secret' && database === undefined)
    refuse('database', 'a login needs the name of its database');
  if (way.kind === 'token-exchange' && (way.audience === undefined) === (way.resource === undefined))
    refuse('credential', 'token-exchange needs one of "audience" and "resource"');
});

export const connectorConfigSchema = z.strictObject({
  name: connectorNameSchema,
  /** Folder with manifest.json and connector.js; absent: a connector that ships with Sallyport. */
  path: z.string().optional(),
  /** As `connector pack` prints it; absent: what lies in the folder is taken as it is. */
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'expected 64 digits of 0-9 and a-f, as "connector pack" prints them')
    .optional(),
  /** Of a wrapped server, managed settings only: what it may say of its tools, and needs no person to approve. */
  definitions: definitionsHashSchema.optional(),
  settings: z.record(z.string(), z.unknown()).default({}),
  destinations: z.record(destinationNameSchema, checkedDestination).default({}),
});
export type ConnectorConfig = z.infer<typeof connectorConfigSchema>;

const postures = ['read-only-analyst', 'operator-with-approvals', 'strict'] as const;

/** Policies that ship with Sallyport; `lab` is in no release. */
export const postureSchema = z.enum(withLab ? [...postures, 'lab'] : postures);
const amount = z.int().positive().max(1_000_000_000_000);

/** What a person may use: of all tools together, or of each. */
export const quotaSchema = z.strictObject({
  /** Sustained; the number that may start at once is `burst`. */
  callsPerMinute: amount,
  burst: amount,
  /** Rows and bytes of released results, in any hour. */
  rowsPerHour: amount,
  bytesPerHour: amount,
});
export type Quota = z.infer<typeof quotaSchema>;

/** What holds where managed settings are silent; the person's own file can only say less. */
export const defaultLimits = {
  person: { callsPerMinute: 600, burst: 200, rowsPerHour: 200_000, bytesPerHour: 268_435_456 },
  tool: { callsPerMinute: 300, burst: 100, rowsPerHour: 100_000, bytesPerHour: 134_217_728 },
} as const satisfies Readonly<Record<'person' | 'tool', Quota>>;

function quotaWith(defaults: Quota) {
  return z
    .strictObject({
      callsPerMinute: amount.default(defaults.callsPerMinute),
      burst: amount.default(defaults.burst),
      rowsPerHour: amount.default(defaults.rowsPerHour),
      bytesPerHour: amount.default(defaults.bytesPerHour),
    })
    .prefault({});
}

export const limitsSchema = z
  .strictObject({ person: quotaWith(defaultLimits.person), tool: quotaWith(defaultLimits.tool) })
  .prefault({});
export type Limits = z.infer<typeof limitsSchema>;

/** A proxy that makes tunnels (CONNECT). */
export const proxySchema = z.strictObject({
  /** `http://host:port`: tunnels are asked for in the clear, TLS goes through them. */
  url: z.string().regex(/^http:\/\/(?:[A-Za-z0-9][A-Za-z0-9.-]{0,252}|\[[0-9A-Fa-f:]{2,45}\])(?::[1-9]\d{0,4})?\/?$/),
  /** For basic authentication (RFC 7617 §2: no colon). */
  username: z
    .string()
    .regex(/^[^:]{1,200}$/)
    .optional(),
  /** Hosts that are reached straight: a name, or `.suffix` for all names under it. */
  exceptFor: z.array(z.string().min(1).max(253)).max(200).default([]),
});
export type ProxyConfig = z.infer<typeof proxySchema>;

/** The organization's kill switch. `reason` is shown to the person. */
export const stoppedSchema = z.strictObject({ reason: z.string().min(1).max(300) });

export const configSchema = z.strictObject({
  $schema: z.string().optional(),
  identity: configuredIdentity,
  connectors: z.array(connectorConfigSchema).max(50).default([]),
  /** Labels of columns, by connector: beside `connectors`, so that managed settings can state them one by one. */
  classification: z.record(connectorNameSchema, columnLabelsSchema).default({}),
  /** The most that may be written to a destination, by connector and destination: no more than its manifest says. */
  receives: z.record(connectorNameSchema, z.record(destinationNameSchema, classificationSchema)).default({}),
  /** Less than manifests allow of HTTPS, by connector and destination: beside `connectors`, for managed settings. */
  allow: z.record(connectorNameSchema, z.record(destinationNameSchema, allowRulesSchema)).default({}),
  policy: z
    .strictObject({
      posture: postureSchema.optional(),
      /** Folder of Cedar files, beside the posture's. */
      folder: z.string().optional(),
    })
    .default({}),
  egress: z
    .strictObject({
      /** PEM files of authorities trusted beside the system store. */
      authorities: z.array(z.string()).max(50).default([]),
      /** The company's proxy. Its password is typed once a run (`sallyport proxy-password`), never written down. */
      proxy: proxySchema.optional(),
      /** A file that holds a proxy auto-configuration script; instead of `proxy`, or beside it for the user name. */
      pac: z.string().optional(),
    })
    .default({ authorities: [] }),
  /** How connectors are walled in, at the least: otherwise none is started. */
  isolation: z.strictObject({ atLeast: z.enum(demandedLevels) }).optional(),
  limits: limitsSchema,
  agents: z.strictObject({ consent: z.enum(['ask', 'allow']).default('ask') }).default({ consent: 'ask' }),
  /** Managed settings only, and watched while Sallyport runs: everything ends, and stays so until this is gone. */
  stopped: stoppedSchema.optional(),
});
export type SallyportConfig = z.infer<typeof configSchema>;
