/** The lab for tests: starts the real one and speaks with it as `sallyport up --lab` does. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { z } from 'zod';
import { configSchema, type SallyportConfig } from '../../main/contract/config.ts';
import { signIn, type SignInResult } from './browser.ts';
import { answerSchema, type Command } from './contract.ts';
import { endWithin, readLines, writeLine } from './lines.ts';

/** Longer than the lab gives its own parts. */
const stopTimeoutMs = 15_000;

const readySchema = z.strictObject({
  config: configSchema,
  folder: z.string(),
  people: z.array(z.strictObject({ name: z.string(), roles: z.array(z.string()), disabled: z.boolean() })),
  pids: z.strictObject({
    lab: z.int(),
    identityProvider: z.int(),
    issuer: z.int(),
    postgres: z.int(),
    api: z.int().optional(),
    storage: z.int().optional(),
  }),
});

export interface RunningLab {
  readonly config: SallyportConfig;
  readonly folder: string;
  readonly people: z.output<typeof readySchema>['people'];
  readonly pids: z.output<typeof readySchema>['pids'];
  /** Goes through the provider's login form as this person. */
  signInDriver(url: string, user: string): Promise<SignInResult>;
  disable(name: string): Promise<void>;
  enable(name: string): Promise<void>;
  /** Ends the person's sessions and grants. */
  revoke(name: string): Promise<void>;
  /** Sign-ins and tokens for these networks only, such as `127.0.0.0/8`. */
  setNetworks(networks: string[]): Promise<void>;
  setOutage(on: boolean): Promise<void>;
  /** The issuer asks for a fresh sign-in of this person. */
  challenge(name: string): Promise<void>;
  /** How long database credentials issued from now on live, seconds. */
  setCredentialLifetime(seconds: number): Promise<void>;
  stop(): Promise<void>;
}

export interface LabSettings {
  /** With the API and its connector. */
  readonly api?: boolean;
  /** With the S3 and its connector. */
  readonly storage?: boolean;
  /** File that takes every secret the lab issues. */
  readonly needles?: string;
  /** For tests that run as root, which the lab refuses. */
  readonly as?: { readonly uid: number; readonly gid: number };
  /** The checkout to start it from; default: this one. */
  readonly tree?: string;
}

export async function startLab({
  api = false,
  storage = false,
  needles,
  as,
  tree = path.resolve(import.meta.dirname, '../..'),
}: LabSettings = {}): Promise<RunningLab> {
  const without = [api ? '' : '--without-api', storage ? '' : '--without-storage'].filter((word) => word !== '');
  const child = spawn(process.execPath, [path.join(tree, 'test/lab/lab.ts'), ...without], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      TMPDIR: process.env['TMPDIR'],
      ...(needles === undefined ? {} : { SALLYPORT_LAB_NEEDLES: needles }),
    },
    ...as,
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  child.stdin.on('error', () => undefined);
  const lines = readLines(child.stdout);
  const first = await lines.next();
  if (first.done === true) throw new Error(`The lab did not start:\n${said}`);
  const { config, folder, people, pids } = readySchema.parse(JSON.parse(first.value));

  async function command(line: Command): Promise<void> {
    writeLine(child.stdin, line);
    const { value } = await lines.next();
    const answer = answerSchema.parse(JSON.parse(String(value)));
    if ('refused' in answer) throw new Error(answer.refused);
  }
  return {
    config,
    folder,
    people,
    pids,
    signInDriver: (url, user) => signIn({ folder, user, url }),
    disable: (name) => command({ disable: name }),
    enable: (name) => command({ enable: name }),
    revoke: (name) => command({ revoke: name }),
    setNetworks: (networks) => command({ networks }),
    setOutage: (on) => command({ outage: on }),
    challenge: (name) => command({ challenge: name }),
    setCredentialLifetime: (seconds) => command({ credentialSeconds: seconds }),
    async stop() {
      child.stdin.end();
      await endWithin(child, ended, stopTimeoutMs);
    },
  };
}
