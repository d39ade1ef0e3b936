import { describe, expect, it } from 'vitest';
import { configSchema, type DestinationConfig } from '../contract/config.ts';
import { credentialSchema } from '../contract/credentials.ts';
import { manifestSchema, type ConnectorManifest, type DestinationManifest } from '../contract/manifest.ts';
import { connectorManifest } from '../../test/samples/pipeline.ts';
import { destinationProblem, egressDestinations } from './egress-destinations.ts';

const rules = [{ methods: ['GET' as const], path: '/v1' }];
const api = (more: object = {}): DestinationManifest => ({
  protocol: 'https',
  authentication: 'bearer',
  description: '',
  hosts: ['*.example.com', 'api.example.net', '192.0.2.7'],
  allow: rules,
  ...more,
});
const token = credentialSchema.parse({ kind: 'access-token', scope: 's' });
const sts = credentialSchema.parse({
  kind: 'aws-sts',
  region: 'eu-central-1',
  roleArn: 'arn:aws:iam::111122223333:role/x',
  scope: 's',
});
const at = (more: Partial<DestinationConfig> = {}): DestinationConfig => ({
  host: 'a.example.com',
  port: 443,
  credential: token,
  ...more,
});

describe('an HTTPS destination', () => {
  it.each<[string, Partial<DestinationConfig>, object]>([
    ['a name under its pattern', { host: 'b.a.example.com' }, {}],
    ['its exact name', { host: 'api.example.net' }, {}],
    ['its address', { host: '192.0.2.7' }, {}],
    ['nobody who signs in', { credential: undefined }, { authentication: 'none' }],
    ['a role of AWS', { credential: sts }, { authentication: 'aws-sigv4', service: 's3' }],
  ])('is taken with %s', (_name, more, declared) => {
    expect(destinationProblem(at(more), api(declared))).toBeUndefined();
  });

  it.each<[string, Partial<DestinationConfig>, object, string[], string]>([
    ['another host', { host: 'example.com' }, {}, ['host'], 'none of the hosts'],
    ['a number for an address', { host: '2130706433' }, {}, ['host'], 'is no host'],
    ['a last dot', { host: 'a.example.com.' }, {}, ['host'], 'is no host'],
    ['no credential', { credential: undefined }, {}, ['credential'], 'is missing'],
    ['a credential for nothing', {}, { authentication: 'none' }, ['credential'], 'leave "credential" out'],
    ['a credential of another kind', { credential: sts }, {}, ['credential', 'kind'], '"access-token"'],
    ['a database', { database: 'd' }, {}, ['database'], 'PostgreSQL alone'],
    ['no service to sign for', { credential: sts }, { authentication: 'aws-sigv4' }, [], 'no "service"'],
  ])('stops the start with %s', (...[, more, declared, key, reason]) => {
    const problem = destinationProblem(at(more), api(declared));
    expect(problem?.key).toEqual(key);
    expect(problem?.reason).toContain(reason);
  });

  it('and its members are not for PostgreSQL', () => {
    const database: DestinationManifest = { protocol: 'postgres', authentication: 'postgres-issuer', description: '' };
    const issuer = { url: 'https://i.example', scope: 's' };
    const given = at({ credential: undefined, issuer, database: 'd', networks: ['10.0.0.0/8'] });
    expect(destinationProblem(given, database)?.reason).toContain('HTTPS destinations alone');
  });

  it('is given every list that narrows it', () => {
    const manifest: ConnectorManifest = { ...connectorManifest({}), name: 'web', destinations: { api: api() } };
    const own = [{ methods: ['GET' as const], path: '/v1/a' }];
    const managed = [{ methods: ['GET' as const], path: '/v1/b' }];
    const made = egressDestinations(
      { manifest, destinations: { api: at({ allow: own }) } },
      { allow: { web: { api: managed } } },
    );
    expect(made['api']?.https?.rules).toEqual([rules, managed, own]);
  });
});

describe('a rule', () => {
  const accepts = (path: string): boolean =>
    manifestSchema.shape.destinations.safeParse({ api: api({ allow: [{ methods: ['GET'], path }] }) }).success;
  it('is a path of whole plain segments', () => {
    for (const path of ['/', '/v1', '/v1/orders', '/.well-known/x', '/a.b/c_d']) expect(accepts(path)).toBe(true);
    for (const path of ['', 'v1', '/v1/', '//v1', '/v1/..', '/./v1', '/v1?x', '/v1/%2e', '/v1#x', '/v1/a b', '/...'])
      expect(accepts(path)).toBe(false);
  });

  it('may not be absent, and a pattern may not name everything', () => {
    const parsed = (more: object) => manifestSchema.shape.destinations.safeParse({ api: api(more) }).success;
    expect([parsed({}), parsed({ allow: [] }), parsed({ hosts: [] })]).toEqual([true, false, false]);
    for (const host of ['*.com', '*.example.*', 'a.*.com', '**.example.com', '*example.com', 'EXAMPLE.com'])
      expect(parsed({ hosts: [host] })).toBe(false);
  });

  it('of configuration is by connector and destination', () => {
    expect(configSchema.shape.allow.safeParse({ web: { api: rules } }).success).toBe(true);
    expect(configSchema.shape.allow.safeParse({ web: { api: [] } }).success).toBe(false);
  });
});
