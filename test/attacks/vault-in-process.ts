/** The vault's state with exchanges that run in this process, over the real dialler: all but the process boundary. */
import { vi } from 'vitest';
import { destinationConfigSchema, type IdentityConfig } from '../../main/contract/config.ts';
import { Fault } from '../../main/contract/errors.ts';
import type { Secret } from '../../main/contract/secret.ts';
import type { ExchangeStarter } from '../../main/identity/exchange-process.ts';
import { issuePostgres } from '../../main/identity/issue-postgres.ts';
import { ProviderRefusal } from '../../main/identity/provider-refusal.ts';
import { refresh } from '../../main/identity/refresh.ts';
import { signIn } from '../../main/identity/sign-in.ts';
import { createVaultState } from '../../main/identity/vault-state.ts';
import { createHttpsDialler } from '../../main/outbound/https-request.ts';

export type VaultInProcess = ReturnType<typeof startVaultInProcess>;

export interface VaultInProcessSettings {
  readonly identity: IdentityConfig;
  /** PEM. */
  readonly certificate: string;
  readonly issuer: string;
  /** That the issuer accepts. */
  readonly scope?: string;
  /** Of a request; default: the dialler's own. */
  readonly timeoutMs?: number;
}

/** Task, what it gets, how it says no. */
type AnyTask = {
  readonly name: string;
  readonly params: never;
  readonly input?: Secret;
  readonly onUrl?: (url: string) => void;
};

export function startVaultInProcess(settings: VaultInProcessSettings) {
  const { identity, certificate, issuer, scope = 'issue', timeoutMs } = settings;
  const dial = createHttpsDialler({ authorities: [certificate], ...(timeoutMs === undefined ? {} : { timeoutMs }) });
  const secrets: Secret[] = [];
  const started: string[] = [];
  const said: string[] = [];
  const urls: string[] = [];
  const records: { readonly what: string; readonly detail: string }[] = [];
  const keep = (text: string): Secret => {
    const secret = secretOf(text);
    secrets.push(secret);
    return secret;
  };
  const perform = async ({ name, params, input, onUrl }: AnyTask): Promise<object> => {
    const text = input?.use((bytes) => Buffer.from(bytes).toString()) ?? '';
    const asked = params as object;
    if (name === 'issue-postgres') {
      const { url } = params as { url: string };
      const issued = await issuePostgres({ url, accessToken: text }, dial([new URL(url).origin]));
      if ('challenge' in issued) return { reply: issued, secrets: [] };
      const { password, ...reply } = issued;
      return { reply, secrets: [keep(password)] };
    }
    const openUrl = (url: string) => onUrl?.(url);
    const work =
      name === 'sign-in'
        ? signIn({ ...(asked as Parameters<typeof signIn>[0]), openUrl }, dial)
        : refresh({ ...(asked as Parameters<typeof refresh>[0]), refreshToken: text }, dial);
    const done = await work;
    if ('challenge' in done) return { reply: done, secrets: [] };
    const { accessToken, refreshToken, ...reply } = done;
    return { reply, secrets: [keep(accessToken), keep(refreshToken)] };
  };
  const exchanges: ExchangeStarter = {
    start: (_, task) => {
      started.push(task.name);
      const cancelled = Promise.withResolvers<never>();
      const work = perform(task as unknown as AnyTask).catch((error: unknown) => {
        if (error instanceof ProviderRefusal && error.reason !== undefined) said.push(error.reason);
        throw error;
      });
      return { done: Promise.race([work, cancelled.promise]) as never, cancel: (fault) => cancelled.reject(fault) };
    },
    pids: () => [],
    cancelAll: () => undefined,
  };
  const state = createVaultState({
    exchanges,
    sealTo: () => Buffer.from('sealed'),
    wipeAll: () => secrets.forEach((secret) => secret.wipe()),
    record: ({ what, detail }) => records.push({ what, detail }),
    changed: () => undefined,
    openUrl: (url) => urls.push(url),
    ledgerChanged: () => undefined,
    now: () => Date.now(),
    monotonic: () => performance.now(),
    addresses: () => '',
    random: () => 1,
  });
  const destination = destinationConfigSchema.parse({
    host: 'h',
    port: 1,
    database: 'd',
    issuer: { url: issuer, scope },
  });
  state.configure({
    identity,
    authorities: [certificate],
    pac: false,
    ledger: [],
    exchangeCommand: ['-', '-'],
    connectors: [{ name: 'postgres', destinations: { database: destination } }],
  });
  return {
    state,
    started,
    said,
    urls,
    records,
    secrets,
    /** The address of the sign-in that was begun. */
    nextUrl: () => vi.waitFor(() => urls.shift() ?? Promise.reject(new Error('No address yet.')), { timeout: 10_000 }),
    attach: () => {
      const revoked: string[] = [];
      const desk = state.attach('postgres', (reason) => revoked.push(reason));
      desk.hello(Buffer.alloc(32, 1));
      return { revoked, credential: () => desk.credential('database') };
    },
  };
}

/** What it rejects with, as a fault. */
export async function faultOf(work: Promise<unknown>): Promise<Fault> {
  const outcome = await work.then(
    () => new Error('It did not fail.'),
    (error: unknown) => error,
  );
  if (outcome instanceof Fault) return outcome;
  throw outcome;
}

function secretOf(text: string): Secret {
  let bytes = Buffer.from(text);
  return {
    length: bytes.length,
    use: (read) => read(bytes),
    useAsync: (read) => read(bytes),
    wipe: () => {
      bytes = Buffer.alloc(0);
    },
    get wiped() {
      return bytes.length === 0;
    },
  };
}
