/** `sallyport.json` (INTERFACE "Configuration"). Unknown keys and wrong types stop the start. */
import { z } from 'zod';
import { columnLabelsSchema } from './labels.ts';
import { connectorNameSchema, destinationNameSchema } from './manifest.ts';

const httpsUrl = z.url({ protocol: /^https$/ });

export const identityConfigSchema = z.strictObject({
  kind: z.enum(['entra', 'oidc']),
  authority: httpsUrl,
  clientId: z.string().min(1).max(200),
  /** Every API scope the connectors need; a refresh can only narrow, so all are asked for at sign-in. */
  scopes: z.array(z.string().min(1)).min(1).max(50),
  /** Longest time between a person being disabled and access ending, minutes. */
  policyWindowMinutes: z.number().positive().max(60).default(15),
  /** How long a sign-in may stay open in the browser, minutes. */
  signInTimeoutMinutes: z.number().positive().max(60).default(10),
});
export type IdentityConfig = z.infer<typeof identityConfigSchema>;

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

export const configSchema = z.strictObject({
  $schema: z.string().optional(),
  identity: identityConfigSchema,
  connectors: z.array(connectorConfigSchema).max(50).default([]),
  /** Labels of columns, by connector: beside `connectors`, so that managed settings can state them one by one. */
  classification: z.record(connectorNameSchema, columnLabelsSchema).default({}),
  policy: z.strictObject({ folder: z.string().optional() }).default({}),
  egress: z
    .strictObject({
      /** PEM files of authorities trusted beside the system store. */
      authorities: z.array(z.string()).max(50).default([]),
    })
    .default({ authorities: [] }),
  agents: z.strictObject({ consent: z.enum(['ask', 'allow']).default('ask') }).default({ consent: 'ask' }),
});
export type SallyportConfig = z.infer<typeof configSchema>;
