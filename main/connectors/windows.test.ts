import koffi from 'koffi';
import { describe, expect, it } from 'vitest';
import type { ContainerOrder } from '../contract/launch-order.ts';
import * as win from './windows-layouts.ts';
import { commandLine, containerArguments, descriptorBlock, missingWalls, wide } from './windows.ts';

const { layouts } = win;

describe('structures of 64-bit Windows, as its headers lay them out', () => {
  it.each([
    ['startupInfo', 104],
    ['startupInfoEx', 112],
    ['processInformation', 24],
    ['securityCapabilities', 24],
    ['basicLimits', 64],
    ['extendedLimits', 144],
    ['trustee', 32],
    ['explicitAccess', 48],
  ] as const)('%s has %i bytes', (name, bytes) => {
    expect(koffi.sizeof(layouts[name])).toBe(bytes);
  });

  it.each([
    ['startupInfo', { cb: 0, lpReserved: 8, dwX: 32, dwFlags: 60, wShowWindow: 64, cbReserved2: 66, lpReserved2: 72 }],
    ['startupInfo', { hStdInput: 80, hStdOutput: 88, hStdError: 96 }],
    ['startupInfoEx', { StartupInfo: 0, lpAttributeList: 104 }],
    ['processInformation', { hProcess: 0, hThread: 8, dwProcessId: 16, dwThreadId: 20 }],
    ['securityCapabilities', { AppContainerSid: 0, Capabilities: 8, CapabilityCount: 16, Reserved: 20 }],
    ['basicLimits', { PerJobUserTimeLimit: 8, LimitFlags: 16, MinimumWorkingSetSize: 24, ActiveProcessLimit: 40 }],
    ['basicLimits', { Affinity: 48, PriorityClass: 56, SchedulingClass: 60 }],
    ['extendedLimits', { IoInfo: 64, ProcessMemoryLimit: 112, JobMemoryLimit: 120, PeakJobMemoryUsed: 136 }],
    ['trustee', { MultipleTrusteeOperation: 8, TrusteeForm: 12, TrusteeType: 16, ptstrName: 24 }],
    ['explicitAccess', { grfAccessMode: 4, grfInheritance: 8, Trustee: 16 }],
  ] as const)('members of %s lie at %o', (name, offsets) => {
    for (const [member, offset] of Object.entries(offsets)) {
      expect(koffi.offsetof(layouts[name], member), member).toBe(offset);
    }
  });

  /** What Windows would be handed. */
  function written(type: Parameters<typeof koffi.sizeof>[0], value: object): DataView {
    const memory: unknown = koffi.alloc(type, 1);
    koffi.encode(memory, type, value);
    return new DataView(koffi.view(memory, koffi.sizeof(type)));
  }

  it('a job holds one process, bounds its memory, and ends it with its last handle', () => {
    const limits = written(layouts.extendedLimits, win.jobLimits(512 * 2 ** 20));
    // ACTIVE_PROCESS, PROCESS_MEMORY, DIE_ON_UNHANDLED_EXCEPTION, KILL_ON_JOB_CLOSE; no way to break away (0x800, 0x1000).
    expect(limits.getUint32(16, true)).toBe(0x2508);
    expect(limits.getUint32(40, true)).toBe(1);
    expect(limits.getBigUint64(112, true)).toBe(512n * 2n ** 20n);
  });

  it('a container gets read and execute, by its number, and nothing else', () => {
    const access = written(layouts.explicitAccess, win.readAccess(0x1122_3344_5566n));
    // FILE_GENERIC_READ and FILE_GENERIC_EXECUTE; no write, append, delete, WRITE_DAC, WRITE_OWNER.
    expect(access.getUint32(0, true)).toBe(0x12_0089 | 0x12_00a0);
    expect(access.getUint32(4, true)).toBe(1);
    expect(access.getUint32(16 + 12, true)).toBe(0);
    expect(access.getBigUint64(16 + 24, true)).toBe(0x1122_3344_5566n);
  });
});

describe('how a process is made', () => {
  it('attributes are those of processthreadsapi.h: their number and, of each, that it is for what is started', () => {
    const input = 0x2_0000;
    expect(win.attributes).toEqual({
      handleList: input | 2,
      mitigationPolicy: input | 7,
      securityCapabilities: input | 9,
      jobList: input | 13,
      childProcessPolicy: input | 14,
    });
  });

  it('policies leave V8 its compiler and the runtime its imports', () => {
    const isOn = (bit: bigint) => (win.mitigationPolicy >> bit) & 3n;
    for (const on of [8n, 12n, 16n, 20n, 32n, 44n, 48n, 52n, 56n, 60n]) expect(isOn(on), `bit ${on}`).toBe(1n);
    // STRICT_HANDLE_CHECKS, WIN32K_SYSTEM_CALL_DISABLE, PROHIBIT_DYNAMIC_CODE
    for (const off of [24n, 28n, 36n]) expect(isOn(off), `bit ${off}`).toBe(0n);
    expect(win.mitigationPolicy).toBeLessThan(2n ** 64n);
  });

  it('it starts suspended and without a console', () => {
    expect(win.creationFlags).toEqual({
      suspended: 4,
      detached: 8,
      unicodeEnvironment: 0x400,
      extendedStartupInfo: 0x80000,
    });
  });
});

describe('a command line', () => {
  /** The rules of CommandLineToArgvW for quoted arguments. */
  function parsed(line: string): string[] {
    const found: string[] = [];
    let [argument, quoted, at] = ['', false, 0];
    while (at < line.length) {
      const slashes = /^\\*/.exec(line.slice(at))![0].length;
      const next = line[at + slashes] ?? '';
      if (next === '"') {
        argument += '\\'.repeat(Math.floor(slashes / 2));
        if (slashes % 2 === 1) argument += '"';
        else quoted = !quoted;
        at += slashes + 1;
      } else if (slashes > 0) {
        argument += '\\'.repeat(slashes);
        at += slashes;
      } else if (next === ' ' && !quoted) {
        found.push(argument);
        argument = '';
        at += 1;
      } else {
        argument += next;
        at += 1;
      }
    }
    return [...found, argument];
  }

  it.each([
    [['C:\\Program Files\\Sallyport\\node.exe', '--permission', '--allow-fs-read=C:\\a b\\']],
    [['a', '', 'b']],
    [['a"b', 'a\\"b', 'a\\\\"b', '"', '\\', '\\\\', 'tail\\"']],
    [['" --allow-fs-read=* "', 'x" --allow-child-process "y']],
  ])('gives the same arguments again: %o', (given) => {
    expect(parsed(commandLine(given))).toEqual(given);
  });
});

describe('descriptors', () => {
  it('are handed on as number, flags, handles, without padding', () => {
    const block = descriptorBlock([
      { handle: 0x10n, fileType: 2 },
      { handle: 0x20n, fileType: 1 },
      { handle: 0x1_0000_0030n, fileType: 3 },
    ])!;
    expect(block.length).toBe(4 + 3 + 24);
    expect(block.readUInt32LE(0)).toBe(3);
    expect([...block.subarray(4, 7)]).toEqual([0x41, 0x01, 0x09]);
    expect([7, 15, 23].map((at) => block.readBigUInt64LE(at))).toEqual([0x10n, 0x20n, 0x1_0000_0030n]);
  });

  it('of an unknown kind are handed to nobody', () => {
    expect(descriptorBlock([{ handle: 0x10n, fileType: 0 }])).toBeUndefined();
  });
});

describe('what is read back before the first instruction', () => {
  const walls = { isAppContainer: 1, capabilities: 0, isInJob: 1, policies: [1, 1, 1] };

  it('is as it should be, or the program never runs', () => {
    expect(missingWalls(walls)).toEqual([]);
    expect(missingWalls({ ...walls, isAppContainer: 0 })).toEqual(['it is in no AppContainer']);
    expect(missingWalls({ ...walls, capabilities: 1 })).toEqual(['it has capabilities']);
    expect(missingWalls({ ...walls, isInJob: 0 })).toEqual(['it is not in the job']);
    expect(missingWalls({ ...walls, policies: [1, 2, 1] })).toEqual(['a mitigation policy is not on']);
  });

  it('an answer that did not come is no wall', () => {
    const none = { isAppContainer: undefined, capabilities: undefined, isInJob: undefined, policies: [undefined] };
    expect(missingWalls(none)).toHaveLength(4);
  });
});

describe('the order', () => {
  const entry = 'C:\\Users\\kim\\orders\\connector.mjs';
  const options = {
    entry,
    host: 'C:\\p\\host.mjs',
    runtime: 'C:\\p\\node.exe',
    launcher: 'C:\\p\\launcher.mjs',
    ends: 2,
  };
  const orderOf = (given: typeof options) =>
    JSON.parse(containerArguments(given, ['--permission']).at(-1)!) as ContainerOrder;

  it('names a container for each connector, in the letters that Windows takes', () => {
    const { container, lastFd } = orderOf(options);
    expect(container).toMatch(/^[-_. A-Za-z0-9]{1,64}$/);
    expect(orderOf({ ...options, entry: 'C:\\Users\\kim\\other\\connector.mjs' }).container).not.toBe(container);
    expect(orderOf(options).container).toBe(container);
    expect(lastFd).toBe(4);
  });
});

it('text is UTF-16 with an end', () => {
  expect([...wide('aé')]).toEqual([0x61, 0, 0xe9, 0, 0, 0]);
});
