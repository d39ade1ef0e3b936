/** The launcher's order of steps, with Windows' functions stood in for: nothing is started, and no Windows was asked. */
import koffi, { type TypeObject } from 'koffi';
import type * as files from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { attributes, layouts, mitigationPolicy } from './connectors/windows-layouts.ts';
import { hostExitCodes } from './contract/connector-process.ts';
import type { ContainerOrder } from './contract/launch-order.ts';

type StandIn = (...parameters: never[]) => number;
interface Made {
  readonly functions: Record<string, StandIn>;
  readonly calls: { name: string; parameters: unknown[] }[];
  readonly closed: number[];
}
const { functions, calls, closed } = vi.hoisted((): Made => ({ functions: {}, calls: [], closed: [] }));

vi.mock('node:fs', async (original) => ({
  ...(await original<typeof files>()),
  closeSync: (fd: number) => closed.push(fd),
}));
vi.mock('koffi', async (original) => {
  const { default: real } = await original<{ default: typeof koffi }>();
  const func = (prototype: string, ...types: [string?, TypeObject[]?]) => {
    const name = /(\w+)(\(|$)/.exec(prototype)?.[1] ?? '';
    // That the real library understands it.
    if (types.length === 0) real.proto(prototype.replace(name, `${name}_${Math.random().toString(36).slice(2)}`));
    return (...parameters: unknown[]) => {
      calls.push({ name, parameters });
      return (functions[name] as ((...all: unknown[]) => number) | undefined)?.(...parameters) ?? 1;
    };
  };
  return { default: { ...real, load: () => ({ func }) } };
});

const order: ContainerOrder = {
  runtime: 'C:\\Sallyport\\node.exe',
  arguments: ['--permission', 'C:\\Sallyport\\host.mjs'],
  container: 'Sallyport.0123',
  programs: ['C:\\Sallyport\\node.exe', 'C:\\Sallyport\\host.mjs'],
  readable: ['C:\\orders'],
  lastFd: 4,
  mostMemoryBytes: 2 ** 29,
};
const argv = [...process.argv];
const said: string[] = [];
const [sid, job, hProcess, hThread, connectorsEnd] = [0x5000, 0x200, 0x300, 0x304, 70];

beforeEach(() => {
  vi.resetModules();
  for (const name of Object.keys(functions)) Reflect.deleteProperty(functions, name);
  calls.length = 0;
  closed.length = 0;
  process.argv = ['node', 'launcher-windows.mjs', JSON.stringify(order)];
  vi.stubEnv('SystemRoot', 'C:\\Windows');
  said.length = 0;
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0);
  vi.spyOn(process, 'exit').mockImplementation((code) => {
    throw new Error(`exit ${code}`);
  });
  const answer = (value: number) => () => value;
  const put = (at: number, value: number, result: number) =>
    ((...parameters: [number][]) => {
      parameters[at]![0] = value;
      return result;
    }) as StandIn;
  Object.assign(functions, {
    uv_get_osfhandle: (fd: number) => 0x100 + fd,
    GetFileType: answer(3),
    CreateJobObjectW: answer(job),
    IsProcessInJob: put(2, 1, 1),
    InitializeProcThreadAttributeList: (...[list, , , size]: [bigint | 0, number, number, [number]]) => {
      size[0] = 48;
      return list === 0 ? 0 : 1;
    },
    CreateProcessW: (...parameters: unknown[]) => {
      Object.assign(parameters[9] as object, { hProcess, hThread });
      return 1;
    },
    ResumeThread: answer(1),
    WaitForSingleObject: answer(0),
    GetExitCodeProcess: put(1, connectorsEnd, 1),
    GetProcessMitigationPolicy: put(2, 1, 1),
    OpenProcessToken: put(2, 0x400, 1),
    GetTokenInformation: (_token: number, kind: number, at: bigint) => {
      koffi.encode(at, 'uint32', kind === 29 ? 1 : 0);
      return 1;
    },
    GetNamedSecurityInfoW: answer(0),
    SetNamedSecurityInfoW: answer(0),
    SetEntriesInAclW: answer(0),
    CreateAppContainerProfile: put(5, sid, 0),
    DeleteAppContainerProfile: answer(0),
  } satisfies Record<string, StandIn>);
});
afterEach(() => {
  process.argv = argv;
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

const launch = () => import('./launcher-windows.ts');
const of = (name: string) => calls.filter((call) => call.name === name).map(({ parameters }) => parameters);
const refused = `exit ${hostExitCodes.protectionMissing}`;

describe('what is started', () => {
  beforeEach(async () => {
    await expect(launch()).rejects.toThrow(`exit ${connectorsEnd}`);
  });

  it('is made suspended, in its container and its job, and inherits five handles', () => {
    const values = new Map(of('UpdateProcThreadAttribute').map(([, , key, at, bytes]) => [key, { at, bytes }]));
    expect([...values.keys()].sort()).toEqual(Object.values(attributes).sort());
    const read = (key: number, type: Parameters<typeof koffi.sizeof>[0]): unknown =>
      koffi.decode(values.get(key)!.at, type);
    expect(values.get(attributes.handleList)!.bytes).toBe(40);
    expect([...(read(attributes.handleList, koffi.array('int64', 5, 'Array')) as number[])]).toEqual(
      [0, 1, 2, 3, 4].map((fd) => 0x100 + fd),
    );
    expect(values.get(attributes.securityCapabilities)!.bytes).toBe(24);
    expect(read(attributes.securityCapabilities, layouts.securityCapabilities)).toMatchObject({
      AppContainerSid: sid,
      CapabilityCount: 0,
    });
    expect(values.get(attributes.mitigationPolicy)!.bytes).toBe(8);
    expect(BigInt(read(attributes.mitigationPolicy, 'uint64') as number)).toBe(mitigationPolicy);
    expect([values.get(attributes.childProcessPolicy)!.bytes, read(attributes.childProcessPolicy, 'uint32')]).toEqual([
      4, 1,
    ]);
    expect([values.get(attributes.jobList)!.bytes, read(attributes.jobList, 'int64')]).toEqual([8, job]);
  });

  it('gets a command line, an environment of one name, and its descriptors', () => {
    const [program, line, , , inherits, flags, environment, folder, startup] = of('CreateProcessW')[0]!;
    expect([program, folder, inherits, flags]).toEqual([order.runtime, 'C:\\Windows', 1, 0x8040c]);
    expect((line as Buffer).toString('utf16le')).toBe(
      '"C:\\Sallyport\\node.exe" "--permission" "C:\\Sallyport\\host.mjs"\0',
    );
    expect((environment as Buffer).toString('utf16le')).toBe('SystemRoot=C:\\Windows\0\0');
    expect(startup).toMatchObject({ StartupInfo: { cb: 112, dwFlags: 0x100, cbReserved2: 49, hStdError: 0x102n } });
  });

  it('runs only after everything was read back, and its end is the launcher’s', () => {
    const names = calls.map(({ name }) => name);
    const resumed = names.indexOf('ResumeThread');
    for (const name of [
      'GetTokenInformation',
      'IsProcessInJob',
      'GetProcessMitigationPolicy',
      'SetInformationJobObject',
    ])
      expect(names.lastIndexOf(name)).toBeLessThan(resumed);
    expect(of('ResumeThread')).toEqual([[hThread]]);
    expect(closed).toEqual([3, 4]);
    expect(names.at(-1)).toBe('DeleteAppContainerProfile');
  });

  it('has no capability, and its container may read the named files alone', () => {
    expect(of('CreateAppContainerProfile')[0]!.slice(0, 5)).toEqual([
      order.container,
      order.container,
      expect.any(String),
      null,
      0,
    ]);
    expect(of('SetNamedSecurityInfoW').map(([file]) => file)).toEqual([...order.programs, ...order.readable]);
  });
});

describe('nothing runs', () => {
  it.each([
    ['it is in no AppContainer', 'GetTokenInformation'],
    ['it is not in the job', 'IsProcessInJob'],
    ['a mitigation policy is not on', 'GetProcessMitigationPolicy'],
    ['its token cannot be read', 'OpenProcessToken'],
    ['the job takes no limits', 'SetInformationJobObject'],
    ['attribute 20002 is refused', 'UpdateProcThreadAttribute'],
    ['it cannot be started', 'CreateProcessW'],
    ['descriptor 0 stays behind', 'SetHandleInformation'],
    ['a descriptor is neither', 'GetFileType'],
  ])('where %s (%s fails)', async (why, name) => {
    functions[name] = () => 0;
    await expect(launch()).rejects.toThrow(refused);
    expect(of('ResumeThread')).toEqual([]);
    expect(said.join('')).toContain(why);
  });

  it('where it got a capability', async () => {
    functions['GetTokenInformation'] = (_token: never, _kind: never, at: never) => {
      koffi.encode(at, 'uint32', 1);
      return 1;
    };
    await expect(launch()).rejects.toThrow(refused);
    expect(of('ResumeThread')).toEqual([]);
  });

  it.each([
    ['there is no container', 'CreateAppContainerProfile', 0x80070005 | 0],
    ['a file cannot be opened to it', 'SetNamedSecurityInfoW', 1314],
    ['a file is not there', 'GetNamedSecurityInfoW', 2],
  ])('where %s', async (_why, name, result) => {
    functions[name] = () => result;
    await expect(launch()).rejects.toThrow(refused);
    expect(of('CreateProcessW')).toEqual([]);
  });

  it('but a file of an installed package, which this user may not change, is left as it is', async () => {
    functions['SetNamedSecurityInfoW'] = () => 5;
    await expect(launch()).rejects.toThrow(`exit ${connectorsEnd}`);
  });
});
