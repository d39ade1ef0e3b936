/**
 * Windows: puts the walls of level `container` around one program, starts it, and ends with it. NOT VERIFIED HERE: written to the
 * documentation, never run on Windows.
 * Guarantees, where Windows keeps to it: the program runs in an AppContainer without a capability (no network, no files but the system's
 * and the listed ones, no window of others), in a job that holds one process and ends with us, may start nothing, loads no library but
 * Microsoft's, and inherits descriptors 0 to `lastFd` alone. All is read back before its first instruction; else it never runs.
 * Trusts: the kernel, and who wrote the order in argv. Does not protect against: what every AppContainer may read (Windows, Program
 * Files); another program of this user that reads its memory; files it leaves in the container's own folder until the folder is deleted.
 */
import koffi from 'koffi';
import { closeSync } from 'node:fs';
import * as win from './connectors/windows-layouts.ts';
import { commandLine, descriptorBlock, missingWalls, wide } from './connectors/windows.ts';
import { hostExitCodes } from './contract/connector-process.ts';
import type { ContainerOrder } from './contract/launch-order.ts';

type Handle = number | bigint;
type Native = (...parameters: readonly unknown[]) => number;
type Layout = Parameters<typeof koffi.sizeof>[0];
type MakesHandle = (...parameters: readonly unknown[]) => Handle;

const kernel32 = koffi.load('kernel32.dll');
const advapi32 = koffi.load('advapi32.dll');
const userenv = koffi.load('userenv.dll');
const getHandle = koffi.load(null).func('intptr_t uv_get_osfhandle(int)') as MakesHandle;
const getLastError = kernel32.func('uint32 GetLastError()') as () => number;
const getFileType = kernel32.func('uint32 GetFileType(intptr_t)') as Native;
const setHandleInformation = kernel32.func('int SetHandleInformation(intptr_t, uint32, uint32)') as Native;
const createJob = kernel32.func('intptr_t CreateJobObjectW(void *, void *)') as MakesHandle;
const setJob = kernel32.func('int SetInformationJobObject(intptr_t, int, intptr_t, uint32)') as Native;
const isInJob = kernel32.func('int IsProcessInJob(intptr_t, intptr_t, _Out_ int *)') as Native;
const initAttributes = kernel32.func(
  'int InitializeProcThreadAttributeList(intptr_t, uint32, uint32, _Inout_ size_t *)',
) as Native;
const setAttribute = kernel32.func(
  'int UpdateProcThreadAttribute(intptr_t, uint32, uintptr_t, intptr_t, size_t, void *, void *)',
) as Native;
const createProcess = kernel32.func('CreateProcessW', 'int', [
  ...['str16', 'void *', 'void *', 'void *', 'int', 'uint32', 'void *', 'str16'],
  koffi.pointer(win.layouts.startupInfoEx),
  koffi.out(koffi.pointer(win.layouts.processInformation)),
]) as Native;
const resumeThread = kernel32.func('uint32 ResumeThread(intptr_t)') as Native;
const waitFor = kernel32.func('uint32 WaitForSingleObject(intptr_t, uint32)') as Native;
const getExitCode = kernel32.func('int GetExitCodeProcess(intptr_t, _Out_ uint32 *)') as Native;
const getPolicy = kernel32.func('int GetProcessMitigationPolicy(intptr_t, int, _Out_ uint32 *, size_t)') as Native;
const openToken = advapi32.func('int OpenProcessToken(intptr_t, uint32, _Out_ intptr_t *)') as Native;
const askToken = advapi32.func('int GetTokenInformation(intptr_t, int, intptr_t, uint32, _Out_ uint32 *)') as Native;
const getSecurity = advapi32.func(
  'uint32 GetNamedSecurityInfoW(str16, int, uint32, void *, void *, _Out_ intptr_t *, void *, _Out_ intptr_t *)',
) as Native;
const setSecurity = advapi32.func(
  'uint32 SetNamedSecurityInfoW(str16, int, uint32, void *, void *, intptr_t, void *)',
) as Native;
const mergeAccess = advapi32.func('uint32 SetEntriesInAclW(uint32, intptr_t, intptr_t, _Out_ intptr_t *)') as Native;
const readSid = advapi32.func('int ConvertStringSidToSidW(str16, _Out_ intptr_t *)') as Native;
const createContainer = userenv.func(
  'int32 CreateAppContainerProfile(str16, str16, str16, void *, uint32, _Out_ intptr_t *)',
) as Native;
const deriveSid = userenv.func('int32 DeriveAppContainerSidFromAppContainerName(str16, _Out_ intptr_t *)') as Native;
const deleteContainer = userenv.func('int32 DeleteAppContainerProfile(str16)') as Native;

const ALL_APPLICATION_PACKAGES = 'S-1-15-2-1';
const HANDLE_FLAG_INHERIT = 1;
const ERROR_ACCESS_DENIED = 5;
/** HRESULT_FROM_WIN32(ERROR_ALREADY_EXISTS) */
const ALREADY_EXISTS = 0x800700b7 | 0;
const [SE_FILE_OBJECT, DACL_SECURITY_INFORMATION] = [1, 4];
const [TOKEN_QUERY, TokenIsAppContainer, TokenCapabilities] = [8, 29, 30];
const FAILED_TO_RESUME = 0xffffffff;
const forever = 0xffffffff;
const tokenAnswerBytes = 4096;

const order = JSON.parse(process.argv[2] ?? '') as ContainerOrder;

function missing(what: string): never {
  process.stderr.write(`not started: ${what} (error ${String(getLastError())})\n`);
  process.exit(hostExitCodes.protectionMissing);
}

/** For functions that answer zero when they fail. */
function must<T extends Handle>(result: T, what: string): T {
  return Number(result) === 0 ? missing(what) : result;
}

/** Memory that stays where it is until we end: Windows keeps pointers into it. */
function lasting(type: Layout, value: unknown): { readonly at: bigint; readonly bytes: number } {
  const memory: unknown = koffi.alloc(type, 1);
  koffi.encode(memory, type, value);
  return { at: koffi.address(memory), bytes: koffi.sizeof(type) };
}

const bytesType = (bytes: number) => koffi.array('uint8', bytes);

function containerSid(): bigint {
  const sid: [Handle] = [0];
  const { container } = order;
  const made = createContainer(container, container, 'A connector of Sallyport', null, 0, sid);
  if (made === ALREADY_EXISTS && deriveSid(container, sid) === 0) return BigInt(sid[0]);
  return made === 0 ? BigInt(sid[0]) : missing(`no AppContainer (result ${String(made)})`);
}

function everyContainer(): bigint {
  const found: [Handle] = [0];
  must(readSid(ALL_APPLICATION_PACKAGES, found), 'no number of all containers');
  return BigInt(found[0]);
}

/** Where this user may not change a file (an installed package), the container reads it as every one does, or its start fails. */
function letRead(sid: bigint, files: readonly string[]): void {
  const entry = lasting(win.layouts.explicitAccess, win.readAccess(sid));
  for (const file of files) {
    const [old, descriptor, merged]: [[Handle], [Handle], [Handle]] = [[0], [0], [0]];
    const got = getSecurity(file, SE_FILE_OBJECT, DACL_SECURITY_INFORMATION, null, null, old, null, descriptor);
    if (got !== 0) missing(`${file} cannot be looked at (result ${got})`);
    if (mergeAccess(1, entry.at, old[0], merged) !== 0) missing(`no access list for ${file}`);
    const set = setSecurity(file, SE_FILE_OBJECT, DACL_SECURITY_INFORMATION, null, null, merged[0], null);
    if (set !== 0 && set !== ERROR_ACCESS_DENIED) missing(`${file} cannot be opened to the container (result ${set})`);
  }
}

function makeJob(): bigint {
  const job = must(createJob(null, null), 'no job');
  const limits = lasting(win.layouts.extendedLimits, win.jobLimits(order.mostMemoryBytes));
  must(setJob(job, win.JobObjectExtendedLimitInformation, limits.at, limits.bytes), 'the job takes no limits');
  return BigInt(job);
}

function inheritedHandles(): { handle: bigint; fileType: number }[] {
  return Array.from({ length: order.lastFd + 1 }, (_, fd) => {
    const handle = BigInt(getHandle(fd));
    if (handle < 0n) missing(`descriptor ${fd} is not open`);
    must(setHandleInformation(handle, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT), `descriptor ${fd} stays behind`);
    return { handle, fileType: getFileType(handle) };
  });
}

function attributeList(sid: bigint, job: bigint, handles: readonly bigint[]): bigint {
  const capabilities = { AppContainerSid: sid, Capabilities: 0, CapabilityCount: 0, Reserved: 0 };
  const values = [
    [win.attributes.handleList, lasting(koffi.array('intptr_t', handles.length), handles)],
    [win.attributes.securityCapabilities, lasting(win.layouts.securityCapabilities, capabilities)],
    [win.attributes.mitigationPolicy, lasting('uint64', win.mitigationPolicy)],
    [win.attributes.childProcessPolicy, lasting('uint32', win.PROCESS_CREATION_CHILD_PROCESS_RESTRICTED)],
    [win.attributes.jobList, lasting('intptr_t', job)],
  ] as const;
  const size: [Handle] = [0];
  // The first call only says how much memory it takes.
  initAttributes(0, values.length, 0, size);
  const list = lasting(bytesType(Number(size[0])), Buffer.alloc(Number(size[0]))).at;
  must(initAttributes(list, values.length, 0, size), 'no attributes of a process');
  for (const [attribute, { at, bytes }] of values) {
    must(setAttribute(list, 0, attribute, at, bytes, null, null), `attribute ${attribute.toString(16)} is refused`);
  }
  return list;
}

interface Started {
  readonly hProcess: Handle;
  readonly hThread: Handle;
}

/** It is in its walls, and has not run. */
function startSuspended(sid: bigint, job: bigint): Started {
  const inherited = inheritedHandles();
  const block = descriptorBlock(inherited) ?? missing('a descriptor is neither file, device nor pipe');
  const handles = inherited.map(({ handle }) => handle);
  const [input = 0n, output = 0n, error = 0n] = handles;
  const nothing = { lpReserved: 0, lpDesktop: 0, lpTitle: 0, dwX: 0, dwY: 0, dwXSize: 0, dwYSize: 0 };
  const startup = {
    StartupInfo: {
      ...{ ...nothing, dwXCountChars: 0, dwYCountChars: 0, dwFillAttribute: 0, wShowWindow: 0 },
      cb: koffi.sizeof(win.layouts.startupInfoEx),
      dwFlags: win.STARTF_USESTDHANDLES,
      cbReserved2: block.length,
      lpReserved2: lasting(bytesType(block.length), block).at,
      ...{ hStdInput: input, hStdOutput: output, hStdError: error },
    },
    lpAttributeList: attributeList(sid, job, [...new Set(handles)]),
  };
  const { suspended, detached, unicodeEnvironment, extendedStartupInfo } = win.creationFlags;
  const flags = suspended | detached | unicodeEnvironment | extendedStartupInfo;
  const systemRoot = process.env['SystemRoot'] ?? missing('SystemRoot is not set');
  const environment = wide(`SystemRoot=${systemRoot}\0`);
  const line = wide(commandLine([order.runtime, ...order.arguments]));
  const started = {} as Started;
  const made = createProcess(...[order.runtime, line, null, null, 1, flags, environment, systemRoot, startup, started]);
  must(made, 'it cannot be started');
  return started;
}

/** What the token says, or undefined. */
function tokenNumber(token: Handle, kind: number): number | undefined {
  const answer: unknown = koffi.alloc('uint8', tokenAnswerBytes);
  const size: [number] = [0];
  return askToken(token, kind, koffi.address(answer), tokenAnswerBytes, size) === 0
    ? undefined
    : koffi.decode.uint32(answer);
}

function readBack(started: Handle, job: bigint): string[] {
  const [token, inJob]: [[Handle], [number]] = [[0], [0]];
  if (openToken(started, TOKEN_QUERY, token) === 0) return ['its token cannot be read'];
  const policies = win.readBackPolicies.map((policy) => {
    const flags: [number] = [0];
    return getPolicy(started, policy, flags, 4) === 0 ? undefined : flags[0];
  });
  return missingWalls({
    isAppContainer: tokenNumber(token[0], TokenIsAppContainer),
    // A list of groups begins with their number.
    capabilities: tokenNumber(token[0], TokenCapabilities),
    isInJob: isInJob(started, job, inJob) === 0 ? undefined : inJob[0],
    policies,
  });
}

const sid = containerSid();
// The same entry for all, so that containers that start together do not undo each other's.
letRead(everyContainer(), order.programs);
letRead(sid, order.readable);
const job = makeJob();
const { hProcess, hThread } = startSuspended(sid, job);
// Our end closes the job's only handle, and with it ends what is in the job.
const problems = readBack(hProcess, job);
if (problems.length > 0) missing(problems.join('; '));
if (resumeThread(hThread) === FAILED_TO_RESUME) missing('it stays suspended');
// Its channels are its own: one that ends must be seen to end.
for (let fd = 3; fd <= order.lastFd; fd += 1) closeSync(fd);
waitFor(hProcess, forever);
const exitCode: [number] = [hostExitCodes.protectionMissing];
getExitCode(hProcess, exitCode);
deleteContainer(order.container);
process.exit(exitCode[0] | 0);
