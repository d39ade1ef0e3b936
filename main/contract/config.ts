/** `sallyport.json` (INTERFACE "Configuration"). Unknown keys and wrong types stop the start. */
import { z } from 'zod';
import { classificationSchema, columnLabelsSchema } from './labels.ts';
import { connectorNameSchema, destinationNameSchema } from './manifest.ts';
import { withLab } from './with-lab.ts';

const httpsUrl = z.url({ protocol: /^https$/ });

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

export const destinationConfigSchema = z.strictObject({
  host: z.string().min(1).max(253),
  port: z.int().min(1).max(65_535),
  database: z.string().min(1).max(63),
  issuer: postgresIssuerSchema,
});
export type DestinationConfig = z.infer<typeof destinationConfigSchema>;

export const connectorConfigSchema = z.strictObject({
  name: connectorNameSchema,
  /** Folder with manifest.json and connector.js; absent: a connector that ships with Sallyport. */
  path: z.string().optional(),
  settings: z.record(z.string(), z.unknown()).default({}),
  destinations: z.record(destinationNameSchema, destinationConfigSchema).default({}),
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

export const configSchema = z.strictObject({
  $schema: z.string().optional(),
  identity: configuredIdentity,
  connectors: z.array(connectorConfigSchema).max(50).default([]),
  /** Labels of columns, by connector: beside `connectors`, so that managed settings can state them one by one. */
  classification: z.record(connectorNameSchema, columnLabelsSchema).default({}),
  /** The most that may be written to a destination, by connector and destination: no more than its manifest says. */
  receives: z.record(connectorNameSchema, z.record(destinationNameSchema, classificationSchema)).default({}),
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
    })
    .default({ authorities: [] }),
  limits: limitsSchema,
  agents: z.strictObject({ consent: z.enum(['ask', 'allow']).default('ask') }).default({ consent: 'ask' }),
});
export type SallyportConfig = z.infer<typeof configSchema>;
