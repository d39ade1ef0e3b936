/**
 * Vault (a) ↔ exchange (b): one task a process (DESIGN §3). Secrets never travel here, but on raw pipes beside it.
 */
import { z } from 'zod';
import type { ChannelContract } from './channel.ts';
import { identityConfigSchema } from './config.ts';
import { credentialSchema } from './credentials.ts';
import { hardeningReportSchema } from './hardening.ts';
import { principalSchema } from './principal.ts';

const text = (max: number) => z.string().max(max);
const empty = z.strictObject({});
const epochMs = z.int().nonnegative();

/** How an exchange process and an egress worker reach the network. */
export const exchangeNetwork = {
  /** PEM text of authorities trusted beside the system store. */
  authorities: z.array(text(65_536)).max(50),
};

/** For whom, so that an answer for somebody else is refused. */
const person = z.strictObject({ subject: text(512), username: text(512) });

/** What came back beside the tokens. */
const exchanged = {
  /** `aud` of the validated ID token: the vault compares it with the configured client. */
  audience: text(200),
  accessTokenExpiresAt: epochMs,
  /** Granted with the access token. */
  scopes: z.array(text(500)),
};

/** Tokens travel on raw pipes beside this channel: fd 4 in (what is exchanged), fd 5 out, each as [u32 length][bytes]…. */
export const vaultExchange = {
  name: 'vault-exchange',
  a: {
    notices: {},
    requests: {
      /** Out: access token, refresh token. Ends when the browser came back, or with the process. */
      'sign-in': {
        params: z.strictObject({ identity: identityConfigSchema, ...exchangeNetwork, forceLogin: z.boolean() }),
        result: z.strictObject({ principal: principalSchema, ...exchanged }),
      },
      /** In: refresh token. Out: access token, refresh token (rotated or the same). */
      refresh: {
        params: z.strictObject({ identity: identityConfigSchema, ...exchangeNetwork, scopes: z.array(text(500)) }),
        /** Without `principal` when the provider sent no ID token (OpenID Connect Core §12.2): the claims stay. */
        result: z.strictObject({ principal: principalSchema.optional(), ...exchanged }),
      },
      /** In: access token. Out: password. */
      'issue-postgres': {
        params: z.strictObject({ url: z.url(), ...exchangeNetwork, subject: text(512).optional() }),
        result: z.strictObject({ role: text(63), expiresAt: epochMs }),
      },
      /** In: access token. Out: the credential's secrets, one or two: never more public than its name. */
      issue: {
        params: z.strictObject({
          identity: identityConfigSchema,
          ...exchangeNetwork,
          way: credentialSchema,
          person,
        }),
        result: z.strictObject({
          /** Login, access key id or audience: no secret. */
          role: text(500),
          expiresAt: epochMs,
          /** Of a secret that lives long. */
          version: z.strictObject({ number: z.int().nonnegative(), createdAt: epochMs }).optional(),
        }),
      },
      /** In: access token. Out: nothing. Has a secret that lives long replaced by a new one. */
      rotate: {
        params: z.strictObject({ ...exchangeNetwork, way: credentialSchema, person, version: z.int().nonnegative() }),
        result: empty,
      },
    },
    streams: {},
  },
  b: {
    notices: { 'open-url': z.strictObject({ url: text(16_384) }) },
    requests: { ready: { params: hardeningReportSchema, result: empty } },
    streams: {},
  },
} as const satisfies ChannelContract;
