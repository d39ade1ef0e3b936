/**
 * HashiCorp Vault as far as the lab needs it, written to the published HTTP API, not verified against HashiCorp Vault itself: JWT
 * login, the database engine (dynamic and static logins), KV version 2, leases, revocation. In memory, unsealed, one policy: who
 * logged in may do all of it. A database login is a real one of the lab's PostgreSQL; a revoked lease is only forgotten here,
 * the login ends at its time.
 */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import type { Roles } from './issuer-roles.ts';
import { Refused } from './issuer-refused.ts';
import type { TokenCheck, TokenPerson } from './issuer-tokens.ts';
import type { RecordNeedle } from './needles.ts';
import type { LabHandler } from './sts.ts';

export interface VaultServerDeps {
  readonly checkToken: TokenCheck;
  readonly roles: Pick<Roles, 'issue'>;
  readonly recordNeedle: RecordNeedle;
  /** Of a database login, before anybody renews its lease. */
  readonly leaseSeconds?: number;
}

export interface KvVersion {
  readonly data: Readonly<Record<string, unknown>>;
  readonly version: number;
  readonly createdAt: number;
}

export interface VaultServer {
  readonly handle: LabHandler;
  /** A new version of a KV secret, as if written at that time. */
  put(path: string, data: KvVersion['data'], createdAt?: number): void;
  /** A static login, as if rotated at that time. */
  putStatic(role: string, createdAt?: number): void;
  /** Those that nobody revoked. */
  tokens(): number;
  leases(): number;
}

interface Lease {
  readonly token: string;
  readonly endsAt: number;
}

class VaultError extends Error {
  readonly status: number;
  constructor(status: number) {
    super(`HTTP ${String(status)}`);
    this.status = status;
  }
}

const tokenSeconds = 1800;
const bodyLimitBytes = 65_536;
const loginSchema = z.looseObject({ role: z.string().min(1), jwt: z.string().min(1) });
const leaseSchema = z.looseObject({ lease_id: z.string(), increment: z.int().optional() });
const writeSchema = z.looseObject({ data: z.record(z.string(), z.unknown()) });

export function createVaultServer(deps: VaultServerDeps): VaultServer {
  const tokens = new Map<string, TokenPerson>();
  const leases = new Map<string, Lease>();
  const kv = new Map<string, KvVersion>();
  const statics = new Map<string, { readonly password: string; readonly rotatedAt: number }>();

  const put = (path: string, data: KvVersion['data'], createdAt = Date.now()): void => {
    kv.set(path, { data, createdAt, version: (kv.get(path)?.version ?? 0) + 1 });
  };
  const putStatic = (role: string, rotatedAt = Date.now()): void => {
    statics.set(role, { password: secret(deps, 'vault-static-password'), rotatedAt });
  };
  const login = async (body: unknown): Promise<object> => {
    const { role, jwt } = loginSchema.parse(body);
    const person = await deps.checkToken(`Bearer ${jwt}`).catch((error: unknown) => {
      throw error instanceof Refused ? new VaultError(400) : error;
    });
    const token = `hvs.${secret(deps, 'vault-token')}`;
    tokens.set(token, person);
    const metadata = { role, sub: person.subject };
    return { auth: { client_token: token, lease_duration: tokenSeconds, renewable: true, metadata } };
  };
  const databaseLogin = async (token: string, person: TokenPerson, role: string): Promise<object> => {
    const { role: username, password, expiresAt } = await deps.roles.issue(person);
    deps.recordNeedle('postgres-password', password);
    const id = `database/creds/${role}/${randomBytes(12).toString('hex')}`;
    leases.set(id, { token, endsAt: expiresAt });
    const whole = Math.floor((expiresAt - Date.now()) / 1000);
    const duration = Math.min(whole, deps.leaseSeconds ?? whole);
    return { lease_id: id, lease_duration: duration, renewable: true, data: { username, password } };
  };
  const renew = (body: unknown): object => {
    const { lease_id: id, increment = 3600 } = leaseSchema.parse(body);
    const lease = leases.get(id);
    if (lease === undefined) throw new VaultError(400);
    const left = Math.floor((lease.endsAt - Date.now()) / 1000);
    return { lease_id: id, renewable: true, lease_duration: Math.min(increment, left) };
  };
  const revoke = (token: string): void => {
    tokens.delete(token);
    for (const [id, lease] of leases) if (lease.token === token) leases.delete(id);
  };
  const readKv = (path: string): object => {
    const found = kv.get(path);
    if (found === undefined) throw new VaultError(404);
    const created = new Date(found.createdAt).toISOString();
    const metadata = { version: found.version, created_time: created, deletion_time: '', destroyed: false };
    return { data: { data: found.data, metadata } };
  };
  const readStatic = (role: string): object => {
    const found = statics.get(role);
    if (found === undefined) throw new VaultError(404);
    const last = new Date(found.rotatedAt).toISOString();
    const data = { username: role, password: found.password, last_vault_rotation: last, rotation_period: 0, ttl: 0 };
    return { data };
  };

  /** `undefined`: done, no content. */
  const serve = async ({ route, token, body }: Asked): Promise<object | undefined> => {
    if (route === 'POST auth/jwt/login') return login(body);
    const person = tokens.get(token);
    if (person === undefined) throw new VaultError(403);
    const [, verb = '', rest = ''] =
      /^((?:GET|POST) (?:database\/creds|secret\/data|database\/static-creds|database\/rotate-role))\/(.+)$/.exec(
        route,
      ) ?? [];
    switch (verb === '' ? route : verb) {
      case 'GET database/creds':
        return databaseLogin(token, person, rest);
      case 'GET secret/data':
        return readKv(rest);
      case 'POST secret/data':
        put(rest, writeSchema.parse(body).data);
        return readKv(rest);
      case 'GET database/static-creds':
        return readStatic(rest);
      case 'POST database/rotate-role':
        putStatic(rest);
        return undefined;
      case 'POST sys/leases/renew':
        return renew(body);
      case 'POST sys/leases/revoke':
        leases.delete(leaseSchema.parse(body).lease_id);
        return undefined;
      case 'POST auth/token/revoke-self':
        revoke(token);
        return undefined;
      default:
        throw new VaultError(404);
    }
  };
  return {
    put,
    putStatic,
    tokens: () => tokens.size,
    leases: () => leases.size,
    handle: async (req, res) => {
      const { status, answer } = await readAsked(req)
        .then(serve)
        .then(
          (found) => ({ status: found === undefined ? 204 : 200, answer: found && { ...empty, ...found } }),
          (error: unknown) => ({ status: statusOf(error), answer: { errors: [] } }),
        );
      res.writeHead(status, { 'content-type': 'application/json' });
      res.end(answer === undefined ? undefined : JSON.stringify({ request_id: crypto.randomUUID(), ...answer }));
    },
  };
}

const empty = {
  lease_id: '',
  lease_duration: 0,
  renewable: false,
  data: null,
  wrap_info: null,
  warnings: null,
  auth: null,
};

interface Asked {
  /** Method and path below `/v1/`. */
  readonly route: string;
  readonly token: string;
  readonly body: unknown;
}

async function readAsked(req: IncomingMessage): Promise<Asked> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bodyLimitBytes) throw new VaultError(413);
    chunks.push(chunk);
  }
  const { pathname } = new URL(req.url ?? '/', 'https://localhost');
  const token = req.headers['x-vault-token'];
  return {
    route: `${req.method ?? ''} ${pathname.replace(/^\/v1\//, '')}`,
    token: typeof token === 'string' ? token : '',
    body: size === 0 ? undefined : JSON.parse(Buffer.concat(chunks).toString('utf8')),
  };
}

function statusOf(error: unknown): number {
  if (error instanceof VaultError) return error.status;
  if (error instanceof Refused) return 403;
  return error instanceof z.ZodError || error instanceof SyntaxError ? 400 : 500;
}

function secret({ recordNeedle }: VaultServerDeps, name: string): string {
  const value = randomBytes(32).toString('base64url');
  recordNeedle(name, value);
  return value;
}
