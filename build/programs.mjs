// Starts other programs: to the end with what they printed, or in the foreground in place of this one.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';

/**
 * @typedef {object} Run
 * @property {string} [cwd]
 * @property {NodeJS.ProcessEnv} [env]
 * @property {'inherit' | 'capture' | 'to-stderr'} [output] default 'capture'; 'to-stderr' keeps stdout for the caller
 * @property {{ uid: number, gid: number } | undefined} [as]
 * @property {boolean} [endsWithUs] it must not go on alone when we are killed
 */

/**
 * Runs to the end. Never rejects: a program that cannot be started has code 127.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {Run} [options]
 * @returns {Promise<{ code: number, stdout: string, output: string }>}
 */
export function run(command, args, { cwd, env, output = 'capture', as, endsWithUs = false } = {}) {
  const out = output === 'inherit' ? 'inherit' : output === 'to-stderr' ? 2 : 'pipe';
  const err = output === 'capture' ? 'pipe' : 'inherit';
  return new Promise((resolve) => {
    const [program = command, ...first] = endsWithUs ? [...followsUs, command] : [command];
    const options = { cwd, env: env ?? process.env, ...as };
    const child = spawn(program, [...first, ...args], { ...options, stdio: ['ignore', out, err] });
    let stdout = '';
    let all = '';
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      stdout += text;
      all += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      all += text;
    });
    child.on('error', (error) => resolve({ code: 127, stdout, output: error.message }));
    child.on('close', (code, signal) => resolve({ code: code ?? codeOf(signal), stdout, output: all }));
  });
}

const parent = process.ppid;
/** Becomes the program, which the kernel then ends when we are killed (Debian's util-linux, always there). */
const followsUs = process.platform === 'linux' ? ['setpriv', '--pdeathsig', 'TERM', '--'] : [];
let interrupted = false;

/** Whether a program in the foreground was asked to stop: then nothing more should be started. */
export function wasInterrupted() {
  return interrupted;
}

/**
 * Runs in the foreground: same stdin, stdout and stderr, signals passed on, its exit code returned.
 * A terminal sends Ctrl-C to the whole process group, so with a terminal it is not sent a second time.
 * npm passes a signal only to the shell between it and this script: there, the end of that shell is the signal.
 * It does not outlive us, however we end.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {Omit<Run, 'output'>} options
 * @returns {Promise<number>}
 */
export function runInForeground(command, args, { cwd, env, as } = {}) {
  return new Promise((resolve, reject) => {
    const [program = command, ...parameters] = [...followsUs, command, ...args];
    const child = spawn(program, parameters, { cwd, env: env ?? process.env, stdio: 'inherit', ...as });
    /** @type {Map<NodeJS.Signals, number>} */
    const sentAt = new Map();
    /** @param {NodeJS.Signals} signal */
    const forward = (signal) => {
      interrupted = true;
      if (signal === 'SIGINT' && process.stdin.isTTY) return;
      // npm and the terminal may both pass the same signal on: one is enough.
      if (performance.now() - (sentAt.get(signal) ?? -1000) < 500) return;
      sentAt.set(signal, performance.now());
      child.kill(signal);
    };
    /** @type {NodeJS.Signals[]} */
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const signal of signals) process.on(signal, forward);
    const underNpm = process.env.npm_lifecycle_event !== undefined;
    const watch = setInterval(() => underNpm && process.ppid !== parent && forward('SIGTERM'), 500);
    const done = () => {
      clearInterval(watch);
      for (const signal of signals) process.off(signal, forward);
    };
    child.on('error', (error) => {
      done();
      reject(error);
    });
    child.on('exit', (code, signal) => {
      done();
      resolve(code ?? codeOf(signal));
    });
  });
}

/** @param {NodeJS.Signals | null} signal the shell's convention: 128 and the signal's number */
function codeOf(signal) {
  return signal === null ? 1 : 128 + constants.signals[signal];
}
