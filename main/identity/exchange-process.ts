/**
 * Guarantees: an exchange process gets nothing before it reported its hardening; it is killed when its task is over, cancelled
 * or late, and never outlives the vault; what it exchanges and what comes back travel on raw pipes between it and guarded
 * memory; its environment is empty.
 * Trusts: the command line that the shell configured.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import type { z } from 'zod';
import type { Channel, ChannelHandlers } from '../contract/channel.ts';
import type { vaultExchange } from '../contract/exchange.ts';
import { Fault } from '../contract/errors.ts';
import type { Secret } from '../contract/secret.ts';

type Tasks = typeof vaultExchange.a.requests;
export type TaskName = keyof Tasks;
type VaultEnd = Channel<typeof vaultExchange.a>;
type Handlers = ChannelHandlers<typeof vaultExchange.b>;

/** From other rooms, by the entry. */
export interface ExchangeDeps {
  readonly createSocketPair: () => { readonly a: number; readonly b: number };
  readonly connect: (fd: number, handlers: Handlers) => VaultEnd;
  readonly createRawPipe: () => { readonly readFd: number; readonly writeFd: number };
  readonly closeFd: (fd: number) => void;
  readonly readSecret: (fd: number) => Promise<Secret>;
  readonly writeSecret: (fd: number, secret: Secret) => Promise<void>;
  /** What the person typed in this run. */
  readonly proxyPassword: () => Secret | undefined;
  /** Runs the proxy script elsewhere. */
  readonly proxyFor: Handlers['requests']['proxy-for'];
  /** Why the provider refused, in its own words. */
  readonly providerSaid: (reason: string) => void;
}

export interface ExchangeTask<K extends TaskName> {
  readonly name: K;
  readonly params: z.input<Tasks[K]['params']>;
  /** What is exchanged; absent for a sign-in. */
  readonly input?: Secret;
  /** How many secrets come back, unless a challenge does. */
  readonly outputs: number;
  readonly timeoutMs: number;
  /** What `done` rejects with when it was late. */
  readonly late?: Fault;
  readonly onUrl?: (url: string) => void;
  /** The provider wants to be left alone for so long. */
  readonly onRetryAfter?: (ms: number) => void;
}

export interface Exchanged<K extends TaskName> {
  readonly reply: z.output<Tasks[K]['result']>;
  /** The caller wipes them. */
  readonly secrets: readonly Secret[];
}

export interface RunningExchange<K extends TaskName> {
  /** Rejects with a `Fault`: the exchange's own, the one it was cancelled with, or `identity_unavailable` when it was late or died. */
  readonly done: Promise<Exchanged<K>>;
  cancel(fault: Fault): void;
}

export interface ExchangeStarter {
  start<K extends TaskName>(command: readonly string[], task: ExchangeTask<K>): RunningExchange<K>;
  /** Of those that run. */
  pids(): number[];
  cancelAll(names: readonly TaskName[], fault: Fault): void;
}

/** So that the kill, which says why, comes before the channel's own time-out. */
const lateGraceMs = 5000;

export function createExchangeStarter(deps: ExchangeDeps): ExchangeStarter {
  const running = new Map<ChildProcess, { readonly name: TaskName; readonly cancel: (fault: Fault) => void }>();
  return {
    start: (command, task) => {
      const started = startExchange(deps, command, task);
      const { child, ended } = started;
      let reason: Fault | undefined;
      const cancel = (fault: Fault): void => {
        reason ??= fault;
        child.kill('SIGKILL');
      };
      running.set(child, { name: task.name, cancel });
      const late = setTimeout(() => {
        cancel(
          task.late ?? new Fault('identity_unavailable', 'The identity provider did not finish in time. Try again.'),
        );
      }, task.timeoutMs);
      const done = perform(deps, started, task)
        .catch(async (error: unknown) => {
          // A cancelled exchange also fails in its own way; the reason says more.
          child.kill('SIGKILL');
          await ended;
          throw reason ?? asFault(error);
        })
        .finally(() => {
          clearTimeout(late);
          child.kill('SIGKILL');
          running.delete(child);
        });
      return { done, cancel };
    },
    pids: () => [...running.keys()].flatMap(({ pid }) => (pid === undefined ? [] : [pid])),
    cancelAll: (names, fault) => {
      for (const { name, cancel } of running.values()) if (names.includes(name)) cancel(fault);
    },
  };
}

interface Started {
  readonly child: ChildProcess;
  readonly channel: VaultEnd;
  readonly ready: Promise<void>;
  readonly ended: Promise<void>;
  readonly inputFd: number;
  readonly outputFd: number;
}

function startExchange(
  deps: ExchangeDeps,
  command: readonly string[],
  { onUrl, onRetryAfter }: Pick<ExchangeTask<TaskName>, 'onUrl' | 'onRetryAfter'>,
): Started {
  const pair = deps.createSocketPair();
  const input = deps.createRawPipe();
  const output = deps.createRawPipe();
  const [file = '', ...args] = command;
  const child = spawn(file, args, {
    stdio: ['ignore', 'ignore', 'inherit', pair.b, input.readFd, output.writeFd],
    env: {},
  });
  for (const fd of [pair.b, input.readFd, output.writeFd]) deps.closeFd(fd);
  const ready = Promise.withResolvers<undefined>();
  // Whoever waits sees the rejection; nobody may be waiting any more.
  ready.promise.catch(() => undefined);
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      resolve();
    });
    child.once('error', () => {
      resolve();
    });
  });
  const channel = deps.connect(pair.a, {
    notices: {
      'open-url': ({ url }) => onUrl?.(url),
      'retry-after': ({ ms }) => onRetryAfter?.(ms),
      'provider-said': ({ reason }) => {
        deps.providerSaid(reason);
      },
    },
    requests: {
      'proxy-for': (question) => deps.proxyFor(question),
      ready: (report) => {
        const hardened = report.notDumpable && report.noCoreDumps && report.noNewPrivileges && report.dieWithParent;
        if (hardened || process.platform !== 'linux') ready.resolve(undefined);
        else
          ready.reject(
            new Fault(
              'protection_missing',
              'An exchange process is not protected from other programs. Run: sallyport doctor',
            ),
          );
        return Promise.resolve({});
      },
    },
    streams: {},
    onClose: () => {
      ready.reject(new Fault('identity_unavailable', 'An exchange process ended before it was ready. Try again.'));
    },
  });
  return { child, channel, ready: ready.promise, ended, inputFd: input.writeFd, outputFd: output.readFd };
}

async function perform<K extends TaskName>(
  deps: ExchangeDeps,
  started: Started,
  task: ExchangeTask<K>,
): Promise<Exchanged<K>> {
  const { channel, ready, inputFd, outputFd } = started;
  const secrets: Secret[] = [];
  let proxyPassword: Secret | undefined;
  try {
    try {
      await ready;
      proxyPassword = deps.proxyPassword();
      if (proxyPassword !== undefined) await deps.writeSecret(inputFd, proxyPassword).catch(retyped);
      if (task.input !== undefined) await deps.writeSecret(inputFd, task.input);
    } finally {
      deps.closeFd(inputFd);
    }
    const params = { ...task.params, proxyPassword: proxyPassword !== undefined };
    const reply = await channel.request(task.name, params, { timeoutMs: task.timeoutMs + lateGraceMs });
    const outputs = 'challenge' in reply ? 0 : task.outputs;
    while (secrets.length < outputs) secrets.push(await deps.readSecret(outputFd));
    return { reply, secrets };
  } catch (error) {
    for (const secret of secrets) secret.wipe();
    throw error;
  } finally {
    deps.closeFd(outputFd);
    channel.close();
  }
}

/** Another one was typed while this was written: that says nothing about the person's access. */
function retyped(): never {
  throw new Fault('identity_unavailable', 'The password of the proxy was typed anew meanwhile. Try again.');
}

function asFault(error: unknown): Fault {
  return error instanceof Fault && error.code !== 'internal'
    ? error
    : new Fault('identity_unavailable', 'An exchange process failed. Try again.');
}
