/**
 * A secret that lives long, read when it is needed from HashiCorp Vault, and its rotation.
 * Written to the published API; not verified against HashiCorp Vault itself.
 * Guarantees: the token that read it is revoked at once; the answer says of which version and time the secret is, so that the
 * vault can refuse an old one (rotation-ledger.ts). Does not protect against: Vault telling a wrong time.
 */
import { z } from 'zod';
import type { WayOf } from '../contract/credentials.ts';
import { Fault } from '../contract/errors.ts';
import { checkSize, clockToleranceMs, unusable, type Obtained, type Wanted } from './credential-answer.ts';
import type { DialOrigins } from './discovery.ts';
import { loginToVault, type VaultAnswer } from './hashicorp-vault.ts';

const who = 'HashiCorp Vault';
const kvSchema = z.looseObject({
  data: z.record(z.string(), z.unknown()),
  metadata: z.looseObject({
    version: z.int().positive(),
    created_time: z.iso.datetime({ offset: true }),
    destroyed: z.boolean(),
  }),
});
const staticSchema = z.looseObject({ last_vault_rotation: z.iso.datetime({ offset: true }) });

/** Throws `Fault`: those of the login, `not_permitted`, `backend_refused`. */
export async function readVaultSecret(request: Wanted<'vault-secret'>, dial: DialOrigins): Promise<Obtained> {
  const { way, person, accessToken } = request;
  const { from } = way;
  const vault = await loginToVault({ url: way.url, login: way.login, person, accessToken }, dial);
  try {
    const startedAt = Date.now();
    const path =
      from.engine === 'kv-v2' ? `${from.mount}/data/${from.path}` : `${from.mount}/static-creds/${from.role}`;
    const { name, secret, version } = partsOf(from, await vault.read(path));
    checkSize(secret, who);
    if (version.createdAt > Date.now() + clockToleranceMs) throw unusable(who, 'is from the future');
    return { role: name, secrets: [secret], version, expiresAt: startedAt + way.lifeSeconds * 1000 };
  } finally {
    await vault.leave().catch(() => undefined);
  }
}

interface Parts {
  readonly name: string;
  readonly secret: string;
  readonly version: { readonly number: number; readonly createdAt: number };
}

function partsOf(from: WayOf<'vault-secret'>['from'], { data }: VaultAnswer): Parts {
  if (from.engine === 'kv-v2') {
    const kv = kvSchema.safeParse(data);
    if (!kv.success || kv.data.metadata.destroyed) throw unusable(who, 'has not the form of a KV version 2 secret');
    const { version, created_time: created } = kv.data.metadata;
    const version_ = { number: version, createdAt: Date.parse(created) };
    return { ...pairIn(kv.data.data, from.nameField, from.secretField), version: version_ };
  }
  const login = staticSchema.safeParse(data);
  if (!login.success) throw unusable(who, 'has not the form of a static login');
  const createdAt = Date.parse(login.data.last_vault_rotation);
  // It has no number: each rotation is a version.
  return {
    ...pairIn(login.data, 'username', 'password'),
    version: { number: Math.floor(createdAt / 1000), createdAt },
  };
}

function pairIn(members: Readonly<Record<string, unknown>>, nameField: string, secretField: string) {
  const [name, secret] = [nameField, secretField].map((field) =>
    Object.hasOwn(members, field) ? members[field] : undefined,
  );
  if (typeof name !== 'string' || name === '' || name.length > 500 || typeof secret !== 'string')
    throw unusable(who, `lacks the members "${nameField}" and "${secretField}"`);
  return { name, secret };
}

export interface RotationRequest extends Wanted<'vault-secret'> {
  /** The version that is to be replaced. */
  readonly version: number;
}

/** Has it replaced: by Vault itself, or by IT's service, which changes the backend and writes the new one to Vault. */
export async function rotateVaultSecret(request: RotationRequest, dial: DialOrigins): Promise<void> {
  const { way, person, accessToken, version } = request;
  const { from } = way;
  if (from.engine === 'database-static') {
    const vault = await loginToVault({ url: way.url, login: way.login, person, accessToken }, dial);
    try {
      await vault.write(`${from.mount}/rotate-role/${from.role}`);
    } finally {
      await vault.leave().catch(() => undefined);
    }
    return;
  }
  if (from.rotation === undefined)
    throw new Fault('internal', 'Nobody rotates this secret. Add credential.from.rotation.');
  const answer = await dial([new URL(from.rotation.url).origin])({
    method: 'POST',
    url: from.rotation.url,
    headers: {
      authorization: `Bearer ${accessToken}`,
      accept: 'application/json',
      'content-type': 'application/json',
    },
    body: JSON.stringify({ secret: `${from.mount}/${from.path}`, version }),
  });
  if (answer.status !== 200 && answer.status !== 204)
    throw new Fault('backend_refused', `The rotation of ${from.path} was refused (HTTP ${String(answer.status)}).`);
}
