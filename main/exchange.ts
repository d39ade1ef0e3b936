/**
 * Entry of an exchange process: one sign-in, refresh or issue, then it ends, and with it every copy of a token that a library made.
 * Guarantees: hardened before any library is loaded; one task; no longer life than that task's time-out; tokens leave on the raw
 * pipe only. Trusts: the vault, its parent. Does not protect against: root reading its heap while it lives.
 */
import { channelOverFd } from './channel/channel-over-socket.ts';
import type { Channel } from './contract/channel.ts';
import type { ProxyConfig } from './contract/config.ts';
import { inheritedFds } from './contract/channels.ts';
import { vaultExchange } from './contract/exchange.ts';
import { Fault } from './contract/errors.ts';
import type { DialOrigins } from './outbound/https-request.ts';
import { exitNow } from './secrets/exit-now.ts';
import { harden } from './secrets/harden.ts';

/** What any task but a sign-in may take, and what starting may take. */
const taskTimeoutMs = 60_000;

// A fault's text is ours; anything else could hold a token, so it is not printed.
process.on('uncaughtException', () => exitNow(1));
process.on('unhandledRejection', () => exitNow(1));
const report = { ...harden(), lockedMemory: false };

const { createHttpsDialler } = await import('./outbound/https-request.ts');
const { throughProxy, throughScript, straight } = await import('./outbound/proxy-routes.ts');
const { heedingOutages } = await import('./identity/provider-outage.ts');
const { writePlain, readPlain } = await import('./identity/plain-pipe.ts');
const { ProviderRefusal } = await import('./identity/provider-refusal.ts');
const { secretsIn, secretsOut, vault } = inheritedFds.exchange;

let watchdog = setTimeout(() => exitNow(1), taskTimeoutMs);
let taken = false;

function begin(timeoutMs: number): void {
  if (taken) throw new Fault('malformed', 'An exchange process does one task.');
  taken = true;
  clearTimeout(watchdog);
  watchdog = setTimeout(() => exitNow(1), timeoutMs);
}

/** Not awaited by the task: the vault reads after the reply, and a pipe may hold less than the tokens. */
function deliver(secrets: readonly string[]): void {
  writePlain(secretsOut, secrets).catch(() => exitNow(1));
}

interface Network {
  readonly authorities: readonly string[];
  readonly proxy?: ProxyConfig | undefined;
  readonly pac: boolean;
  readonly proxyPassword: boolean;
}

/** Reads the proxy's password, which comes first: before anything else is read. */
function diallerFor({ authorities, proxy, pac, proxyPassword }: Network): DialOrigins {
  const password = proxyPassword ? readPlain(secretsIn) : undefined;
  const known = proxy && { ...proxy, password: proxy.username === undefined ? undefined : password };
  const evaluate = async (question: { readonly url: string; readonly addresses: readonly string[] }): Promise<string> =>
    (await channel.request('proxy-for', { ...question, addresses: question.addresses.slice(0, 64) })).answer;
  const explicit = known === undefined ? straight : throughProxy(known);
  return createHttpsDialler({ authorities, routes: pac ? throughScript({ evaluate, proxy: known }) : explicit });
}

/** What to the provider goes: one that is in trouble is not asked again. */
function toProvider(network: Network): DialOrigins {
  return heedingOutages(diallerFor(network), (ms) => {
    channel.notify('retry-after', { ms });
  });
}

/** The provider's words go beside the fault, which has none of them. */
async function saying<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const reason = error instanceof ProviderRefusal ? error.reason : undefined;
    if (reason !== undefined) {
      const { scrubValue } = await import('./pipeline/secrets-in-text/scrub-value.ts');
      channel.notify('provider-said', { reason: String(scrubValue(reason).value).slice(0, 300) });
    }
    throw error;
  }
}

const channel: Channel<typeof vaultExchange.b> = channelOverFd<typeof vaultExchange, 'b'>({
  fd: vault,
  contract: vaultExchange,
  side: 'b',
  handlers: {
    notices: {},
    requests: {
      'sign-in': async ({ identity, forceLogin, challenge, ...network }) => {
        begin(identity.signInTimeoutMinutes * 60_000 + taskTimeoutMs);
        const { signIn } = await import('./identity/sign-in.ts');
        const openUrl = (url: string): void => {
          channel.notify('open-url', { url });
        };
        const { accessToken, refreshToken, scopes, ...rest } = await saying(
          signIn({ identity, forceLogin, challenge, openUrl }, toProvider(network)),
        );
        deliver([accessToken, refreshToken]);
        return { ...rest, scopes: [...scopes] };
      },
      refresh: async ({ identity, scopes: asked, ...network }) => {
        begin(taskTimeoutMs);
        const { refresh } = await import('./identity/refresh.ts');
        const dial = toProvider(network);
        const renewed = await saying(refresh({ identity, scopes: asked, refreshToken: readPlain(secretsIn) }, dial));
        if ('challenge' in renewed) return renewed;
        const { accessToken, refreshToken, scopes, ...rest } = renewed;
        deliver([accessToken, refreshToken]);
        return { ...rest, scopes: [...scopes] };
      },
      'issue-postgres': async ({ url, subject, ...network }) => {
        begin(taskTimeoutMs);
        const { issuePostgres } = await import('./identity/issue-postgres.ts');
        const send = diallerFor(network)([new URL(url).origin]);
        const issued = await issuePostgres({ url, accessToken: readPlain(secretsIn), subject }, send);
        if ('challenge' in issued) return issued;
        const { password, ...login } = issued;
        deliver([password]);
        return login;
      },
      'poll-events': async ({ identity, acknowledged, refused, ...network }) => {
        begin(taskTimeoutMs);
        const { pollEvents } = await import('./identity/poll-events.ts');
        const dial = toProvider(network);
        return pollEvents({ identity, accessToken: readPlain(secretsIn), acknowledged, refused }, dial);
      },
      issue: async ({ identity, way, person, ...network }) => {
        begin(taskTimeoutMs);
        const { obtain } = await import('./identity/obtain.ts');
        const dial = way.kind === 'token-exchange' ? toProvider(network) : diallerFor(network);
        const { secrets, ...rest } = await obtain({ identity, way, person, accessToken: readPlain(secretsIn) }, dial);
        deliver(secrets);
        return rest;
      },
      rotate: async ({ way, person, version, ...network }) => {
        begin(taskTimeoutMs);
        if (way.kind !== 'vault-secret') throw new Fault('malformed', 'Only a long-lived secret is rotated.');
        const { rotateVaultSecret } = await import('./identity/vault-secret.ts');
        const dial = diallerFor(network);
        await rotateVaultSecret({ person, version, way, accessToken: readPlain(secretsIn) }, dial);
        return {};
      },
    },
    streams: {},
    // The vault has everything, or gave up, or died.
    onClose: () => exitNow(0),
  },
});

await channel.request('ready', report);
