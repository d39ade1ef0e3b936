/**
 * Vault (a) ↔ exchange (b): one task a process (DESIGN §3). Secrets never travel here, but on raw pipes beside it.
 */
import { z } from 'zod';
import { challengedSchema, claimsChallengeSchema } from './challenge.ts';
import type { ChannelContract } from './channel.ts';
import { identityConfigSchema } from './config.ts';
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

/** Why the provider refused, in its own words: cleaned, for the person in the window, never for an agent or the log. */
export const providerSaidSchema = z.strictObject({ reason: text(300) });

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
        params: z.strictObject({
          identity: identityConfigSchema,
          ...exchangeNetwork,
          forceLogin: z.boolean(),
          challenge: claimsChallengeSchema.optional(),
        }),
        result: z.strictObject({ principal: principalSchema, ...exchanged }),
      },
      /** In: refresh token. Out: access token, refresh token (rotated or the same). */
      refresh: {
        params: z.strictObject({ identity: identityConfigSchema, ...exchangeNetwork, scopes: z.array(text(500)) }),
        /** Without `principal` when the provider sent no ID token (OpenID Connect Core §12.2): the claims stay. */
        result: z.strictObject({ principal: principalSchema.optional(), ...exchanged }),
      },
      /** In: access token. Out: password; nothing beside a challenge. */
      'issue-postgres': {
        params: z.strictObject({ url: z.url(), ...exchangeNetwork }),
        result: z.union([z.strictObject({ role: text(63), expiresAt: epochMs }), challengedSchema]),
      },
    },
    streams: {},
  },
  b: {
    notices: { 'open-url': z.strictObject({ url: text(16_384) }), 'provider-said': providerSaidSchema },
    requests: { ready: { params: hardeningReportSchema, result: empty } },
    streams: {},
  },
} as const satisfies ChannelContract;
