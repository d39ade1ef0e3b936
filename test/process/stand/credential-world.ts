/**
 * Vault and egress workers of some connectors, all real code, in one process and on a fake clock; exchange processes and guarded
 * memory are stand-ins that know when each secret was made, for whom, and whether it still is anywhere.
 */
import { createCredentials, type Credentials } from '../../../main/outbound/credentials.ts';
import { createVaultState, type VaultState } from '../../../main/identity/vault-state.ts';
import type { ExchangeStarter, TaskName } from '../../../main/identity/exchange-process.ts';
import { Fault } from '../../../main/contract/errors.ts';
import type { Secret } from '../../../main/contract/secret.ts';
import { identityConfigSchema, type DestinationConfig } from '../../../main/contract/config.ts';
import { credentialSchema } from '../../../main/contract/credentials.ts';

const vault = { url: 'https://vault.example', login: { role: 'people' }, scope: 'issue' };
const ways = {
  token: { kind: 'access-token', scope: 'api' },
  exchanged: { kind: 'token-exchange', audience: 'urn:api', scope: 'api', subjectScope: 'issue' },
  role: { kind: 'aws-sts', region: 'eu-central-1', roleArn: 'arn:aws:iam::000000000000:role/r', scope: 'issue' },
  leased: { kind: 'vault-database', ...vault, role: 'reader' },
  kept: {
    kind: 'vault-secret',
    ...vault,
    from: {
      engine: 'kv-v2',
      mount: 'secret',
      path: 'db',
      nameField: 'username',
      secretField: 'password',
      rotation: { url: 'https://it.example/rotate', scope: 'issue' },
    },
  },
  issued: { kind: 'postgres-issuer', url: 'https://issuer.example', scope: 'issue' },
};
export const destinations = Object.keys(ways);
export const connectors = ['one', 'two'];

const configured = Object.fromEntries(
  Object.entries(ways).map(([name, way]): [string, DestinationConfig] => [
    name,
    { host: 'h', port: 1, database: 'd', credential: credentialSchema.parse(way) },
  ]),
);

/** A secret that is somewhere, until it is wiped. */
interface Copy {
  readonly value: string;
  readonly bornAt: number;
  readonly isRefreshToken: boolean;
  /** `vault`, or the connector whose egress it is. */
  readonly where: string;
}

export interface World {
  readonly state: VaultState;
  readonly live: ReadonlySet<Copy>;
  /** Of the next sign-ins. */
  person: string;
  readonly disabled: Set<string>;
  outage: boolean;
  /** Of what servers issue from now on; they may give more than anybody asked for. */
  lifeMs: number;
  restart(connector: string): void;
  /** What the gateway would do for a call; undefined: refused. */
  call(connector: string, destination: string): Promise<Used | undefined>;
  /** What broke a rule, in words. */
  readonly broken: string[];
}

export interface Used {
  readonly value: string;
  readonly ageMs: number;
}

const exchangeMs = 700;

export function createWorld(): World {
  const live = new Set<Copy>();
  const births = new Map<string, number>();
  const owners = new Map<string, string>();
  const egresses = new Map<string, Credentials>();
  const detaches = new Map<string, () => void>();
  let made = 0;

  const copyOf = (value: string, where = 'vault'): Secret => {
    const isRefreshToken = value.startsWith('refresh-token');
    const copy = { value, where, bornAt: births.get(value) ?? Date.now(), isRefreshToken };
    births.set(value, copy.bornAt);
    live.add(copy);
    const bytes = Buffer.from(value);
    const open = (): Buffer => {
      if (!live.has(copy)) throw new Fault('access_ended', 'wiped');
      return bytes;
    };
    return {
      length: bytes.length,
      use: (read) => read(open()),
      useAsync: (read) => read(open()),
      wipe: () => void live.delete(copy),
      get wiped() {
        return !live.has(copy);
      },
    };
  };
  const fresh = (what: string): string => `${what}-of-somebody-${String((made += 1)).padStart(8, '0')}`;

  const answer = (name: TaskName, params: Record<string, unknown>, outputs: number) => {
    const tokens = () => [copyOf(fresh('access')), copyOf(fresh('refresh-token'))] as const;
    const claims = { audience: 'client', accessTokenExpiresAt: Date.now() + world.lifeMs };
    switch (name) {
      case 'sign-in': {
        const [access, refresh] = tokens();
        // The vault's own, for all scopes: no connector ever gets it.
        owners.set(access.use(String), 'the vault');
        const scopes = ['issue', 'api'];
        return { reply: { ...claims, principal: principalOf(world.person), scopes }, secrets: [access, refresh] };
      }
      case 'refresh': {
        const person = world.state.status().principal?.subject ?? '';
        if (world.disabled.has(person)) throw new Fault('access_ended', 'disabled');
        if (world.outage) throw new Fault('identity_unavailable', 'outage');
        return { reply: { ...claims, scopes: params['scopes'] }, secrets: tokens() };
      }
      case 'rotate':
        return { reply: {}, secrets: [] };
      default:
        return {
          reply: { role: 'role', expiresAt: Date.now() + world.lifeMs, ...versionOf(params['way']) },
          secrets: Array.from({ length: outputs }, () => copyOf(fresh(name))),
        };
    }
  };
  const exchanges = createStarter(answer);

  const world: World = {
    live,
    person: 'alice',
    disabled: new Set(),
    outage: false,
    lifeMs: 900_000,
    broken: [],
    state: createVaultState({
      exchanges,
      // Stands for the sealed box: the process tests use the real one.
      sealTo: (_, secret) => secret.use((bytes) => Uint8Array.from(bytes)),
      wipeAll: () => {
        for (const copy of live) if (copy.where === 'vault') live.delete(copy);
      },
      record: () => undefined,
      changed: () => undefined,
      openUrl: () => undefined,
      ledgerChanged: () => undefined,
      now: Date.now,
      monotonic: () => performance.now(),
      addresses: () => '',
      random: () => 0.5,
    }),
    restart: (connector) => {
      egresses.get(connector)?.wipe();
      detaches.get(connector)?.();
      const desk = world.state.attach(connector, () => {
        egress.wipe();
      });
      desk.hello(Buffer.alloc(32, 1));
      detaches.set(connector, () => {
        desk.detach();
      });
      const egress = createCredentials({
        memory: { sealFrom: () => copyOf(fresh('needles'), connector) },
        openSealed: (bytes) => copyOf(Buffer.from(bytes).toString('utf8'), connector),
        request: (destination) => desk.credential(destination),
        isLogin: () => false,
      });
      egresses.set(connector, egress);
    },
    call: async (connector, destination) => {
      const subject = world.state.status().principal?.subject;
      const egress = egresses.get(connector);
      if (subject === undefined || egress === undefined) return undefined;
      const need = { subject, until: Date.now() + 300_000 };
      const credential = await egress.obtain(destination, need).catch(() => undefined);
      if (credential === undefined) return undefined;
      const value = credential.password.use((bytes) => Buffer.from(bytes).toString('utf8'));
      const owner = `${connector} for ${subject}`;
      const first = owners.get(value) ?? owner;
      owners.set(value, first);
      if (first !== owner) world.broken.push(`${value}: made for ${first}, used by ${owner}`);
      const now = world.state.status().principal?.subject;
      if (now !== subject || credential.subject !== subject)
        world.broken.push(`${value}: of ${credential.subject}, asked for ${subject}, signed in is ${String(now)}`);
      return { value, ageMs: Date.now() - (births.get(value) ?? 0) };
    },
  };
  world.state.configure({
    identity: identityConfigSchema.parse({
      kind: 'oidc',
      authority: 'https://provider.example',
      clientId: 'client',
      scopes: ['issue', 'api'],
      policyWindowMinutes: 60,
    }),
    authorities: [],
    pac: false,
    exchangeCommand: ['node', 'exchange'],
    connectors: connectors.map((name) => ({ name, destinations: configured })),
    ledger: [],
  });
  for (const connector of connectors) world.restart(connector);
  return world;
}

/** Of a secret that lives long and is due, so that it is rotated first. */
function versionOf(way: unknown): object {
  const { kind } = (way ?? {}) as { kind?: unknown };
  return kind === 'vault-secret' ? { version: { number: 1, createdAt: Date.now() - 80 * 86_400_000 } } : {};
}

/** Answers after a while, as a process would; a cancelled one never hands anything over. */
function createStarter(
  answer: (name: TaskName, params: Record<string, unknown>, outputs: number) => unknown,
): ExchangeStarter {
  const running = new Map<object, { readonly name: TaskName; readonly cancel: (fault: Fault) => void }>();
  return {
    start: (_, { name, params, outputs, input }) => {
      const { promise, resolve, reject } = Promise.withResolvers<never>();
      const key = {};
      let isOver = false;
      const cancel = (fault: Fault): void => {
        isOver = true;
        running.delete(key);
        reject(fault);
      };
      running.set(key, { name, cancel });
      // What goes in must still be there; afterwards the process has it.
      input?.use(() => undefined);
      setTimeout(() => {
        if (isOver) return;
        running.delete(key);
        try {
          resolve(answer(name, params, outputs) as never);
        } catch (error) {
          reject(error);
        }
      }, exchangeMs);
      return { done: promise, cancel };
    },
    pids: () => [],
    cancelAll: (names, fault) => {
      for (const { name, cancel } of [...running.values()]) if (names.includes(name)) cancel(fault);
    },
  };
}

const principalOf = (subject: string) => ({
  subject,
  issuer: 'https://provider.example',
  username: subject,
  displayName: subject,
  groups: [],
  roles: [],
  authenticationMethods: ['pwd'],
  authenticatedAt: 0,
});
