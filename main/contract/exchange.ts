/**
 * Vault (a) ↔ exchange (b): one task a process (DESIGN §3). Secrets never travel here, but on raw pipes beside it.
 */
import { z } from 'zod';
import { challengedSchema, claimsChallengeSchema } from './challenge.ts';
import type { ChannelContract } from './channel.ts';
import { identityConfigSchema, proxySchema } from './config.ts';
import { credentialSchema } from './credentials.ts';
import { hardeningReportSchema } from './hardening.ts';
import { principalSchema } from './principal.ts';
import { polledSchema, refusedEventSchema } from './security-event.ts';

const text = (max: number) => z.string().max(max);
const empty = z.strictObject({});
const epochMs = z.int().nonnegative();

/** How an exchange process and an egress worker reach the network. */
export const exchangeNetwork = {
  /** PEM text of authorities trusted beside the system store. */
  authorities: z.array(text(65_536)).max(50),
  proxy: proxySchema.optional(),
  /** Whether a script says which way to go: it is asked for each origin. */
  pac: z.boolean().default(false),
};

/** The same, as one task gets it. */
const taskNetwork = {
  ...exchangeNetwork,
  /** The proxy's password comes before what is exchanged, on the same pipe. */
  proxyPassword: z.boolean().default(false),
};

/** The origin that is to be reached, and what this machine resolves its host to. */
export const proxyQuestionSchema = z.strictObject({ url: text(2000), addresses: z.array(text(64)).max(64) });
/** What the script answered: unchecked. */
export const proxyAnswerSchema = z.strictObject({ answer: text(2000) });
/** For whom, so that an answer for somebody else is refused. */
const person = z.strictObject({ subject: text(512), username: text(512) });
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

/** Tokens travel on raw pipes beside this channel: fd 4 in (the proxy's password, what is exchanged), fd 5 out, each as [u32 length][bytes]…. */
export const vaultExchange = {
  name: 'vault-exchange',
  a: {
    notices: {},
    requests: {
      /** Out: access token, refresh token. Ends when the browser came back, or with the process. */
      'sign-in': {
        params: z.strictObject({
          identity: identityConfigSchema,
          ...taskNetwork,
          forceLogin: z.boolean(),
          challenge: claimsChallengeSchema.optional(),
        }),
        result: z.strictObject({ principal: principalSchema, ...exchanged }),
      },
      /** In: refresh token. Out: access token, refresh token (rotated or the same); nothing beside a challenge. */
      refresh: {
        params: z.strictObject({ identity: identityConfigSchema, ...taskNetwork, scopes: z.array(text(500)) }),
        /** Without `principal` when the provider sent no ID token (OpenID Connect Core §12.2): the claims stay. */
        result: z.union([z.strictObject({ principal: principalSchema.optional(), ...exchanged }), challengedSchema]),
      },
      /** In: access token. Out: password; nothing beside a challenge. */
      'issue-postgres': {
        params: z.strictObject({ url: z.url(), ...taskNetwork, subject: text(512).optional() }),
        result: z.union([z.strictObject({ role: text(63), expiresAt: epochMs }), challengedSchema]),
      },
      /** In: access token. One poll (RFC 8936); what is acknowledged and refused was received by earlier ones. */
      'poll-events': {
        params: z.strictObject({
          identity: identityConfigSchema,
          ...taskNetwork,
          acknowledged: z.array(text(200)).max(1000),
          refused: z.array(refusedEventSchema).max(1000),
        }),
        result: polledSchema,
      },
      /** In: access token. Out: the credential's secrets, one or two: never more public than its name. */
      issue: {
        params: z.strictObject({
          identity: identityConfigSchema,
          ...taskNetwork,
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
        params: z.strictObject({ ...taskNetwork, way: credentialSchema, person, version: z.int().nonnegative() }),
        result: empty,
      },
    },
    streams: {},
  },
  b: {
    notices: {
      'open-url': z.strictObject({ url: text(16_384) }),
      'provider-said': providerSaidSchema,
      /** The provider asked to be left alone for this long (RFC 9110 §10.2.3). */
      'retry-after': z.strictObject({ ms: z.int().nonnegative().max(3_600_000) }),
    },
    requests: {
      ready: { params: hardeningReportSchema, result: empty },
      'proxy-for': { params: proxyQuestionSchema, result: proxyAnswerSchema },
    },
    streams: {},
  },
} as const satisfies ChannelContract;
