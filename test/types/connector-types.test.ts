/**
 * What a connector's author cannot leave out: each omission does not compile. `tsc -b` judges these statements; running
 * them only keeps them from being forgotten.
 */
import { describe, expectTypeOf, it } from 'vitest';
import { defineConnector, defineTool, line, type Call, type ConnectorOf } from '../../connector-host/sdk/sdk.ts';
import type { Dispatch } from '../../main/connectors/dispatch.ts';
import type { CallHeader } from '../../main/contract/channels.ts';
import type { ConnectorManifest, ToolManifest } from '../../main/contract/manifest.ts';
import type { CallOutcome } from '../../main/pipeline/account.ts';

/** As `sallyport connector types` writes it. */
interface Manifest {
  readonly destinations: {
    readonly database: { readonly protocol: 'postgres'; readonly authentication: 'postgres-issuer' };
    readonly archive: { readonly protocol: 'postgres'; readonly authentication: 'postgres-issuer' };
    readonly api: { readonly protocol: 'https'; readonly authentication: 'bearer' };
  };
  readonly tools: {
    readonly find: {
      readonly arguments: { readonly id: number; readonly deep?: boolean | undefined };
      readonly result: { readonly name: string };
      readonly destinations: 'database';
      readonly https: 'api';
    };
    readonly count: {
      readonly arguments: Readonly<Record<string, never>>;
      readonly result: { readonly count: number };
      readonly destinations: never;
    };
  };
}
type Find = Manifest['tools']['find'];
type Tools = ConnectorOf<Manifest>['tools'];

describe('authentication cannot be left out', () => {
  it.each<[string, (call: Call<Find>) => unknown]>([
    [
      'a destination that is not the tool’s',
      (call) =>
        // @ts-expect-error it is declared for the connector, not for this tool
        call.connect('archive'),
    ],
    [
      'a destination that nobody declared',
      (call) =>
        // @ts-expect-error there is no way in to it
        call.connect('elsewhere'),
    ],
    [
      'a request to a database',
      (call) =>
        // @ts-expect-error it is a stream
        call.fetch('database', { path: '/' }),
    ],
    [
      'a stream of an API',
      (call) =>
        // @ts-expect-error it takes requests
        call.connect('api'),
    ],
    [
      'a request to a URL',
      (call) =>
        // @ts-expect-error hosts are the configuration's
        call.fetch('https://api.example/', { path: '/' }),
    ],
    [
      'a method that egress does not know',
      (call) =>
        // @ts-expect-error there are six
        call.fetch('api', { path: '/', method: 'CONNECT' }),
    ],
    [
      'an address of its own',
      (call) =>
        // @ts-expect-error addresses are egress's
        call.connect({ host: 'localhost', port: 5432 }),
    ],
  ])('not %s', (_what, attempt) => {
    expectTypeOf(attempt).toBeFunction();
  });

  it('a tool without destinations reaches none', () => {
    expectTypeOf<Call<Manifest['tools']['count']>['connect']>().parameter(0).toBeNever();
    expectTypeOf<Call<Manifest['tools']['count']>['fetch']>().parameter(0).toBeNever();
    expectTypeOf<Call<Find>['fetch']>().parameter(0).toEqualTypeOf<'api'>();
  });

  it('a destination says how egress signs in', () => {
    const destination = { protocol: 'postgres' as const, description: 'a database' };
    // @ts-expect-error "authentication" is missing
    const open: ConnectorManifest['destinations'] = { database: destination };
    // @ts-expect-error there is no destination without
    const anonymous: ConnectorManifest['destinations'] = { database: { ...destination, authentication: 'none' } };
    interface Unauthenticated {
      readonly destinations: { readonly database: { readonly protocol: 'postgres' } };
      readonly tools: Pick<Manifest['tools'], 'count'>;
    }
    // @ts-expect-error nor one in a connector's types
    type None = ConnectorOf<Unauthenticated>;
    expectTypeOf({ open, anonymous }).toBeObject();
    expectTypeOf<None>().toBeObject();
  });
});

describe('token handling is nobody’s', () => {
  it.each<[string, (call: Call<Find>) => unknown]>([
    [
      'a token',
      (call) => {
        // @ts-expect-error there is none
        const { token: _got } = call;
      },
    ],
    [
      'a credential',
      (call) => {
        // @ts-expect-error egress adds it, below what a connector sees
        const { credential: _got } = call;
      },
    ],
    [
      'headers',
      (call) => {
        // @ts-expect-error a stream arrives signed in
        const { headers: _got } = call;
      },
    ],
    [
      'the ticket that egress checks',
      (call) => {
        // @ts-expect-error the host keeps it
        const { ticket: _got } = call;
      },
    ],
    [
      'the person’s claims',
      (call) => {
        // @ts-expect-error who asks is decided before it gets here
        const { principal: _got } = call;
      },
    ],
    [
      'a stream with a password of its own',
      (call) =>
        // @ts-expect-error nothing but a name
        call.connect('database', { password: 'x' }),
    ],
  ])('not %s', (_what, attempt) => {
    expectTypeOf(attempt).toBeFunction();
  });

  it('no word for one stands in a call or its header', () => {
    type Secret = 'token' | 'password' | 'credential' | 'authorization' | 'headers' | 'secret';
    expectTypeOf<Extract<keyof Call, Secret>>().toBeNever();
    expectTypeOf<Extract<keyof CallHeader, Secret>>().toBeNever();
  });
});

describe('logging carries no data, and no redaction is needed', () => {
  it.each<[string, (call: Call<Find>, text: string) => unknown]>([
    [
      'a string',
      ({ log }, text) =>
        // @ts-expect-error it may be a credential, an argument or a row
        log.info(text),
    ],
    [
      'a string in a line',
      ({ log }, text) =>
        // @ts-expect-error numbers and lines only
        log.info(line`got ${text}`),
    ],
    [
      'an object',
      ({ log, arguments: given }) =>
        // @ts-expect-error it holds data
        log.info(given),
    ],
    [
      'bytes',
      ({ log }, text) =>
        // @ts-expect-error they hold data
        log.error(Buffer.from(text)),
    ],
    [
      'an error',
      ({ log }, text) =>
        // @ts-expect-error its message may be a backend's text
        log.error(new Error(text)),
    ],
  ])('not %s', (_what, attempt) => {
    expectTypeOf(attempt).toBeFunction();
  });

  it('but text of the source with numbers', () => {
    const say = ({ log }: Call<Find>): void => {
      log.info(line`got ${3} rows, ${line`all of them`}: ${true}`);
    };
    expectTypeOf(say).toBeFunction();
  });
});

describe('tool validation cannot be left out', () => {
  const count: Tools['count'] = () => Promise.resolve({ count: 1 });
  const find: Tools['find'] = ({ arguments: { id } }) => Promise.resolve({ name: String(id) });

  it('arguments and results are the schemas’', () => {
    expectTypeOf<Parameters<Tools['find']>[0]['arguments']>().toEqualTypeOf<Find['arguments']>();
    expectTypeOf(defineConnector<Manifest>({ tools: { find, count } })).toBeObject();
    expectTypeOf(defineTool<Manifest, 'find'>(find)).toEqualTypeOf<Tools['find']>();
  });

  it.each<[string, () => unknown]>([
    [
      'an argument that the schema does not have',
      () =>
        defineTool<Manifest, 'find'>((call) =>
          // @ts-expect-error it is not declared
          Promise.resolve({ name: String(call.arguments.name) }),
        ),
    ],
    [
      'a result of another type',
      () =>
        defineTool<Manifest, 'find'>(() =>
          // @ts-expect-error a string is declared
          Promise.resolve({ name: 1 }),
        ),
    ],
    [
      'a tool without a handler',
      () =>
        // @ts-expect-error "count" is missing
        defineConnector<Manifest>({ tools: { find } }),
    ],
    [
      'a handler without a tool',
      () =>
        // @ts-expect-error "remove" is not declared
        defineConnector<Manifest>({ tools: { find, count, remove: find } }),
    ],
    [
      'a handler of another tool',
      () =>
        // @ts-expect-error it takes other arguments
        defineConnector<Manifest>({ tools: { find, count: find } }),
    ],
    [
      'types of a tool without those of its arguments',
      () => {
        interface Unchecked {
          readonly destinations: Manifest['destinations'];
          readonly tools: { readonly find: { readonly result: unknown; readonly destinations: never } };
        }
        // @ts-expect-error "arguments" is missing
        return defineConnector<Unchecked>({ tools: { find } });
      },
    ],
    [
      'a tool of a manifest without its input schema',
      () => {
        const { inputSchema: _, ...rest } = {} as ToolManifest;
        // @ts-expect-error "inputSchema" is missing
        const tool: ToolManifest = rest;
        return tool;
      },
    ],
  ])('not %s', (_what, attempt) => {
    expectTypeOf(attempt).toBeFunction();
  });
});

describe('policy enforcement cannot be left out', () => {
  it('a connector’s result is not one that a session may send', () => {
    type Released = Extract<CallOutcome, { kind: 'released' }>['result'];
    expectTypeOf<Awaited<ReturnType<Tools['find']>>>().not.toExtend<Released>();
    const attempt = (send: (result: Released) => void, result: Awaited<ReturnType<Tools['find']>>): void => {
      // @ts-expect-error it passed no stage: the mark's symbol is not exported
      send({ value: result, text: JSON.stringify(result), shape: 'structured' });
    };
    expectTypeOf(attempt).toBeFunction();
  });

  it('a call that reached a handler cannot be dispatched again', () => {
    const attempt = (dispatch: Dispatch, call: Call<Find>): unknown =>
      // @ts-expect-error only a cleared call, and a connector has none
      dispatch(call, call.signal);
    expectTypeOf(attempt).toBeFunction();
  });
});
