/**
 * Makes recordings of a backend. Guarantees: it dials this machine alone and signs in nowhere, so there is no credential of
 * a person in it; what a backend answers is refused where it has the form of a credential, and PostgreSQL's cancel keys are
 * zeroes. Trusts the author that the backend holds made-up data. It cannot tell whose data is answered: every byte is in
 * the file, text as text, for the author to read.
 */
import { connect } from 'node:net';
import { Duplex } from 'node:stream';
import { Fault } from '../contract/errors.ts';
import type { ConnectorManifest } from '../contract/manifest.ts';
import { createSecretFinder } from '../pipeline/secrets-in-text/secret-finder.ts';
import type { Backend } from './destination.ts';
import { isDigit } from './recording.ts';

interface Exchange {
  sends: Buffer;
  answers: Buffer;
}
interface Taped {
  readonly exchanges: Exchange[];
  closes: boolean;
}
export type Tape = ReadonlyMap<string, readonly Taped[]>;

/** `name=port`, the port of a backend on this machine. */
export function portsOf(given: readonly string[], manifest: ConnectorManifest): ReadonlyMap<string, number> {
  return new Map(
    given.map((each) => {
      const [, name = '', port] = /^([^=]+)=(\d{1,5})$/.exec(each) ?? [];
      if (!manifest.destinations[name] || Number(port) < 1 || Number(port) > 65_535)
        throw new Fault('malformed', `--record ${each}: write DESTINATION=PORT, a destination of ${manifest.name}`);
      return [name, Number(port)];
    }),
  );
}

/** A backend that is written down while it is used. */
export function createRecorder(ports: ReadonlyMap<string, number>): { readonly backend: Backend; readonly tape: Tape } {
  const tape = new Map([...ports.keys()].map((name) => [name, [] as Taped[]]));
  return {
    tape,
    backend: (destination) => {
      const [port, taped] = [ports.get(destination), tape.get(destination)];
      if (port === undefined || taped === undefined) return Promise.resolve(null);
      return dial(port).then((far) => (far === null ? null : tapped(far, taped)));
    },
  };
}

function dial(port: number): Promise<Duplex | null> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      resolve(socket);
    });
    socket.on('error', () => {
      resolve(null);
    });
  });
}

function tapped(far: Duplex, into: Taped[]): Duplex {
  const taped: Taped = { exchanges: [{ sends: Buffer.alloc(0), answers: Buffer.alloc(0) }], closes: false };
  into.push(taped);
  const add = (to: 'sends' | 'answers', bytes: Buffer): void => {
    let last = taped.exchanges.at(-1);
    if (last === undefined || (to === 'sends' && last.answers.length > 0)) {
      last = { sends: Buffer.alloc(0), answers: Buffer.alloc(0) };
      taped.exchanges.push(last);
    }
    last[to] = Buffer.concat([last[to], bytes]);
  };
  const near = new Duplex({
    read: () => far.resume(),
    write(bytes: Buffer, _encoding, done) {
      add('sends', bytes);
      far.write(bytes, done);
    },
    final: (done) => far.end(done),
    destroy(error, done) {
      far.destroy();
      done(error);
    },
  });
  far.on('data', (bytes: Buffer) => {
    add('answers', bytes);
    if (!near.push(bytes)) far.pause();
  });
  far.on('end', () => {
    taped.closes = true;
    near.push(null);
  });
  far.on('error', (error) => near.destroy(error));
  return near;
}

/** The first tape as a recording, with what the others sent otherwise. @throws Fault `malformed`: it cannot be replayed, or may hold a credential */
export function recordingOf(tapes: readonly (readonly Taped[])[], protocol: string): string {
  const [first = [], ...others] = tapes;
  const connections = first.map((connection, index) => {
    const sent = sentIn(connection);
    const varies = Buffer.alloc(sent.length);
    for (const other of others) markDifferences(sent, other[index], varies);
    const answers = answersOf(connection, protocol);
    refuseCredentials(sent, answers);
    let [at, from] = [0, 0];
    const exchanges = connection.exchanges.map((each) => {
      const [end, to] = [at + each.sends.length, from + each.answers.length];
      const sends = partsOf(each.sends, varies.subarray(at, end));
      const answered = partsOf(answers.subarray(from, to));
      [at, from] = [end, to];
      return { sends, answers: answered };
    });
    return { exchanges, closes: connection.closes };
  });
  return `${JSON.stringify({ sallyportRecording: 1, connections }, null, 2)}\n`;
}

const sentIn = ({ exchanges }: Taped): Buffer => Buffer.concat(exchanges.map(({ sends }) => sends));

/** Whole runs of digits, so that a number one higher is one that was seen. */
function markDifferences(sent: Buffer, other: Taped | undefined, varies: Buffer): void {
  const also = other === undefined ? Buffer.alloc(0) : sentIn(other);
  if (also.length !== sent.length) throw changes();
  for (let at = 0; at < sent.length; at += 1) {
    if (sent[at] === also[at]) continue;
    if (!isDigit(sent[at]) || !isDigit(also[at])) throw changes();
    let [start, end] = [at, at];
    while (isDigit(sent[start - 1])) start -= 1;
    while (isDigit(sent[end + 1])) end += 1;
    varies.fill(1, start, end + 1);
  }
}

const changes = (): Fault =>
  new Fault(
    'malformed',
    'what the connector sends differs from round to round in more than its digits: it cannot be recorded',
  );

/** In PostgreSQL's protocol the cancel key (BackendKeyData, "K") is the one secret after a sign-in. */
function answersOf({ exchanges }: Taped, protocol: string): Buffer {
  const bytes = Buffer.concat(exchanges.map(({ answers }) => answers));
  if (protocol !== 'postgres') return bytes;
  for (let at = 0; at + 5 <= bytes.length;) {
    const end = at + 1 + bytes.readUInt32BE(at + 1);
    if (bytes[at] === 'K'.charCodeAt(0)) bytes.fill(0, at + 5, Math.min(end, bytes.length));
    at = Math.max(end, at + 5);
  }
  return bytes;
}

export function refuseCredentials(...all: readonly Buffer[]): void {
  const finder = createSecretFinder();
  // What is no text ends a word, as a NUL does.
  const found = all.flatMap((bytes) => finder.find(bytes.toString('latin1').replaceAll(/[^\x20-\x7e]+/g, '\n')));
  const [first] = found;
  if (first !== undefined)
    throw new Fault('malformed', `nothing is recorded: there is what looks like a credential in it (${first.kind})`);
}

type Part = string | { readonly base64: string } | { readonly digits: number };

/** Runs of text, of other bytes and of digits that vary. */
function partsOf(bytes: Buffer, varies?: Buffer): Part | readonly Part[] {
  const kindAt = (at: number): 'digits' | 'text' | 'bytes' => {
    if (varies?.[at] === 1) return 'digits';
    return (bytes[at] ?? 0) < 0x80 ? 'text' : 'bytes';
  };
  const parts: Part[] = [];
  for (let start = 0, end = 0; start < bytes.length; start = end) {
    const kind = kindAt(start);
    while (end < bytes.length && kindAt(end) === kind) end += 1;
    const run = bytes.subarray(start, end);
    if (kind === 'digits') parts.push({ digits: run.length });
    else parts.push(kind === 'text' ? run.toString('latin1') : { base64: run.toString('base64') });
  }
  const [only] = parts;
  return parts.length > 1 ? parts : (only ?? '');
}
