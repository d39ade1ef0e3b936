/** Each kind of credential through a real vault, real exchange processes and the lab's servers, used at the other side. */
import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SallyportConfig } from '../../main/contract/config.ts';
import { credentialSchema } from '../../main/contract/credentials.ts';
import type { Principal } from '../../main/contract/principal.ts';
import { apiAudience, apiScope, issuerScope } from '../lab/contract.ts';
import { connectAs, trustLab } from '../lab/person.ts';
import { startLab, type RunningLab } from '../lab/start-lab.ts';
import { destinationsOf, fillVault, originOf } from './stand/credential-ways.ts';
import { codeOf, startVault, type EgressUnderTest, type VaultUnderTest } from './vault-under-test.ts';

const longMs = { timeoutMs: 60_000 };
let lab: RunningLab;
let vault: VaultUnderTest;
let alice: Principal;
let one: EgressUnderTest;
let two: EgressUnderTest;
let origin: string;

beforeAll(async () => {
  lab = await startLab();
  trustLab(lab);
  origin = originOf(lab);
  const known = destinationsOf(lab);
  const elsewhere = { kind: 'vault-database', url: 'https://localhost:1', login: { role: 'people' }, role: 'reader' };
  const foreign = { kind: 'token-exchange', audience: 'urn:elsewhere', scope: apiScope, subjectScope: issuerScope };
  const destinations = {
    ...known,
    foreign: { ...known['exchanged'], credential: credentialSchema.parse(foreign) },
    elsewhere: { ...known['leased'], credential: credentialSchema.parse({ ...elsewhere, scope: issuerScope }) },
  } as SallyportConfig['connectors'][number]['destinations'];
  const connectors = ['one', 'two'].map((name) => ({ name, settings: {}, destinations }));
  vault = await startVault({ config: { ...lab.config, connectors } });
  [one, two] = await Promise.all([vault.attachEgress('one'), vault.attachEgress('two')]);
  await Promise.all([one.hello(), two.hello()]);
  const answer = vault.shell.request('sign-in', { forceLogin: false }, longMs);
  await lab.signInDriver(await vault.nextUrl(), 'alice');
  alice = (await answer).principal;
});
afterAll(async () => {
  await vault.stop();
  await lab.stop();
});

const ask = (egress: EgressUnderTest, destination: string) =>
  egress.channel.request('credential', { destination }, longMs);

describe('a credential', () => {
  it('access-token: one of each connector’s own, for the person, of at most 60 minutes', async () => {
    const [mine, other] = [await ask(one, 'token'), await ask(two, 'token')];
    const [token, another] = [one.open(mine.sealed), two.open(other.sealed)];
    expect(token).not.toBe(another);
    for (const each of [token, another]) expect(decodeJwt(each)).toMatchObject({ sub: alice.subject });
    expect(mine).toMatchObject({ subject: alice.subject, role: issuerScope });
    expect(mine.expiresAt).toBeLessThanOrEqual(Date.now() + 3_600_000);
  });

  it('token-exchange: a token for the other audience, of the person, for minutes', async () => {
    const { subject, role, sealed, expiresAt } = await ask(one, 'exchanged');
    expect({ subject, role }).toEqual({ subject: alice.subject, role: apiAudience });
    expect(expiresAt).toBeLessThanOrEqual(Date.now() + 300_000);
    const claims = { sub: alice.subject, aud: apiAudience, scope: apiScope };
    expect(decodeJwt(one.open(sealed))).toMatchObject(claims);
    expect(await codeOf(ask(one, 'foreign'))).toBe('not_permitted');
  });

  it('aws-sts: the official SDK shows who it is with the key and the session token', async () => {
    const { role, sealed, alsoSealed = '' } = await ask(one, 'role');
    const client = new STSClient({
      region: 'eu-central-1',
      endpoint: `${origin}/sts`,
      credentials: { accessKeyId: role, secretAccessKey: one.open(sealed), sessionToken: one.open(alsoSealed) },
      requestHandler: {
        httpsAgent: new Agent({ ca: lab.config.egress.authorities.map((file) => readFileSync(file, 'utf8')) }),
      },
    });
    const { Arn } = await client.send(new GetCallerIdentityCommand({}));
    expect(Arn).toBe('arn:aws:sts::000000000000:assumed-role/reader/alice');
  });

  it.each(['leased', 'issued'])('%s: logs in to PostgreSQL as the person', async (destination) => {
    const { role, sealed, expiresAt } = await ask(one, destination);
    const client = await connectAs(lab, { role, password: one.open(sealed), expiresAt });
    const { rows } = await client.query('SELECT DISTINCT owner FROM shop.orders');
    await client.end();
    expect(rows).toEqual([{ owner: 'alice' }]);
  });

  it('vault-secret: is read with its version, whose age the shell is told', async () => {
    await fillVault(lab, 'a password of the lab');
    const kept = await ask(one, 'kept');
    expect([kept.role, one.open(kept.sealed)]).toEqual(['app', 'a password of the lab']);
    expect((await ask(one, 'fixed')).role).toBe('app');
    const host = new URL(origin).host;
    const known = vault.ledgers.at(-1)?.map(({ name }) => name);
    expect(known).toEqual([`${host}/secret/app/db`, `${host}/database/app`]);
    expect(JSON.stringify(vault.ledgers)).not.toContain('a password of the lab');
  });

  it('that nobody gives ends with a code, and is written down only where it was given', async () => {
    expect(await codeOf(ask(one, 'elsewhere'))).toBe('backend_unreachable');
    const issued = vault.records.filter(
      (record) => record.event === 'lifecycle' && record.what === 'credential-issued',
    );
    expect(issued).toHaveLength(8);
    await vault.shell.request('sign-out', {});
    expect(await codeOf(ask(one, 'token'))).toBe('not_signed_in');
  });
});
