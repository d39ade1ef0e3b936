/** Win32's structures and numbers that main/launcher-windows.ts needs, of 64-bit Windows. Their sizes and offsets are tested; on Windows they were never used. */
import koffi from 'koffi';

/** STARTUPINFOW */
const startupInfo = koffi.struct({
  cb: 'uint32',
  lpReserved: 'intptr_t',
  lpDesktop: 'intptr_t',
  lpTitle: 'intptr_t',
  dwX: 'uint32',
  dwY: 'uint32',
  dwXSize: 'uint32',
  dwYSize: 'uint32',
  dwXCountChars: 'uint32',
  dwYCountChars: 'uint32',
  dwFillAttribute: 'uint32',
  dwFlags: 'uint32',
  wShowWindow: 'uint16',
  cbReserved2: 'uint16',
  lpReserved2: 'intptr_t',
  hStdInput: 'intptr_t',
  hStdOutput: 'intptr_t',
  hStdError: 'intptr_t',
});
/** JOBOBJECT_BASIC_LIMIT_INFORMATION */
const basicLimits = koffi.struct({
  PerProcessUserTimeLimit: 'int64',
  PerJobUserTimeLimit: 'int64',
  LimitFlags: 'uint32',
  MinimumWorkingSetSize: 'size_t',
  MaximumWorkingSetSize: 'size_t',
  ActiveProcessLimit: 'uint32',
  Affinity: 'uintptr_t',
  PriorityClass: 'uint32',
  SchedulingClass: 'uint32',
});
/** IO_COUNTERS */
const ioCounters = koffi.struct({
  ReadOperationCount: 'uint64',
  WriteOperationCount: 'uint64',
  OtherOperationCount: 'uint64',
  ReadTransferCount: 'uint64',
  WriteTransferCount: 'uint64',
  OtherTransferCount: 'uint64',
});
/** TRUSTEE_W */
const trustee = koffi.struct({
  pMultipleTrustee: 'intptr_t',
  MultipleTrusteeOperation: 'int32',
  TrusteeForm: 'int32',
  TrusteeType: 'int32',
  ptstrName: 'intptr_t',
});

export const layouts = {
  startupInfo,
  /** STARTUPINFOEXW */
  startupInfoEx: koffi.struct({ StartupInfo: startupInfo, lpAttributeList: 'intptr_t' }),
  /** PROCESS_INFORMATION */
  processInformation: koffi.struct({
    hProcess: 'intptr_t',
    hThread: 'intptr_t',
    dwProcessId: 'uint32',
    dwThreadId: 'uint32',
  }),
  /** SECURITY_CAPABILITIES */
  securityCapabilities: koffi.struct({
    AppContainerSid: 'intptr_t',
    Capabilities: 'intptr_t',
    CapabilityCount: 'uint32',
    Reserved: 'uint32',
  }),
  basicLimits,
  /** JOBOBJECT_EXTENDED_LIMIT_INFORMATION */
  extendedLimits: koffi.struct({
    BasicLimitInformation: basicLimits,
    IoInfo: ioCounters,
    ProcessMemoryLimit: 'size_t',
    JobMemoryLimit: 'size_t',
    PeakProcessMemoryUsed: 'size_t',
    PeakJobMemoryUsed: 'size_t',
  }),
  trustee,
  /** EXPLICIT_ACCESS_W */
  explicitAccess: koffi.struct({
    grfAccessPermissions: 'uint32',
    grfAccessMode: 'int32',
    grfInheritance: 'uint32',
    Trustee: trustee,
  }),
} as const;

/** processthreadsapi.h: what a process is made with. */
export const attributes = {
  handleList: 0x2_0002,
  mitigationPolicy: 0x2_0007,
  securityCapabilities: 0x2_0009,
  jobList: 0x2_000d,
  childProcessPolicy: 0x2_000e,
} as const;

export const creationFlags = {
  suspended: 0x4,
  /** No console, and so no console's host process either. */
  detached: 0x8,
  unicodeEnvironment: 0x400,
  extendedStartupInfo: 0x8_0000,
} as const;
/** handles are given in STARTUPINFO */
export const STARTF_USESTDHANDLES = 0x100;
export const PROCESS_CREATION_CHILD_PROCESS_RESTRICTED = 1;

/**
 * Every policy that leaves V8 its compiler (dynamic code stays allowed) and the runtime its own imports (win32k stays callable, as it
 * is linked with user32). Handle checks stay lenient: the runtime looks at descriptors that may not be open. DEP and SEHOP are always on in
 * 64-bit processes.
 */
export const mitigationPolicy = [
  /** FORCE_RELOCATE_IMAGES, HEAP_TERMINATE, BOTTOM_UP_ASLR, HIGH_ENTROPY_ASLR */
  (1n << 8n) | (1n << 12n) | (1n << 16n) | (1n << 20n),
  /** EXTENSION_POINT_DISABLE, BLOCK_NON_MICROSOFT_BINARIES, FONT_DISABLE */
  (1n << 32n) | (1n << 44n) | (1n << 48n),
  /** IMAGE_LOAD_NO_REMOTE, IMAGE_LOAD_NO_LOW_LABEL, IMAGE_LOAD_PREFER_SYSTEM32 */
  (1n << 52n) | (1n << 56n) | (1n << 60n),
].reduce((all, some) => all | some);

/** winnt.h, PROCESS_MITIGATION_POLICY: extension points, signatures, child processes. Bit 0 of each says that it is on. */
export const readBackPolicies = [6, 8, 13] as const;

/** winnt.h: JobObjectExtendedLimitInformation. */
export const JobObjectExtendedLimitInformation = 9;
/** One process, bounded memory, no error dialog, and gone with the last handle of the job. */
const jobLimitFlags = 0x8 | 0x100 | 0x400 | 0x2000;

/** For `layouts.extendedLimits`. */
export function jobLimits(mostMemoryBytes: number): object {
  const nothing = {
    MinimumWorkingSetSize: 0,
    MaximumWorkingSetSize: 0,
    Affinity: 0,
    PriorityClass: 0,
    SchedulingClass: 0,
  };
  return {
    BasicLimitInformation: {
      PerProcessUserTimeLimit: 0,
      PerJobUserTimeLimit: 0,
      LimitFlags: jobLimitFlags,
      ActiveProcessLimit: 1,
      ...nothing,
    },
    IoInfo: {
      ...{ ReadOperationCount: 0, WriteOperationCount: 0, OtherOperationCount: 0 },
      ...{ ReadTransferCount: 0, WriteTransferCount: 0, OtherTransferCount: 0 },
    },
    ProcessMemoryLimit: mostMemoryBytes,
    JobMemoryLimit: 0,
    PeakProcessMemoryUsed: 0,
    PeakJobMemoryUsed: 0,
  };
}

/** accctrl.h, winnt.h: read and start, for one SID, on a folder also for what is in it. For `layouts.explicitAccess`. */
export function readAccess(sid: bigint): object {
  const [GENERIC_READ_AND_EXECUTE, GRANT_ACCESS, SUB_CONTAINERS_AND_OBJECTS_INHERIT] = [0x1200a9, 1, 3];
  const [TRUSTEE_IS_SID, TRUSTEE_IS_UNKNOWN] = [0, 0];
  return {
    grfAccessPermissions: GENERIC_READ_AND_EXECUTE,
    grfAccessMode: GRANT_ACCESS,
    grfInheritance: SUB_CONTAINERS_AND_OBJECTS_INHERIT,
    Trustee: {
      pMultipleTrustee: 0,
      MultipleTrusteeOperation: 0,
      TrusteeForm: TRUSTEE_IS_SID,
      TrusteeType: TRUSTEE_IS_UNKNOWN,
      ptstrName: sid,
    },
  };
}
