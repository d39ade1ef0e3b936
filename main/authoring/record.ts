/** `connector dev --record`: the examples, several times, against backends on this machine, and what was said as recordings. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Fault } from '../contract/errors.ts';
import type { DemandedLevel } from '../contract/connector-process.ts';
import type { ConnectorManifest } from '../contract/manifest.ts';
import type { Product } from '../product.ts';
import { isCallable } from './acceptance.ts';
import { createHttpRecorder, httpRecordingOf } from './http-recorder.ts';
import { createRecorder, portsOf, recordingOf } from './recorder.ts';
import { recordingsFolder } from './recording.ts';
import { startStand } from './stand.ts';

export interface Recorded {
  readonly product: Product;
  readonly atLeast: DemandedLevel | undefined;
  readonly folder: string;
  readonly manifest: ConnectorManifest;
  readonly entry: string;
  readonly settings: Readonly<Record<string, unknown>>;
  /** `destination=port` each. */
  readonly record: readonly string[];
}

/** What differs from round to round shows only by chance. */
const rounds = 5;

/** Writes nothing unless every example passed every stage, each round. Gives the files. */
export async function record(wanted: Recorded): Promise<string[]> {
  const ports = portsOf(wanted.record, wanted.manifest);
  const tapes: Awaited<ReturnType<typeof runRound>>[] = [];
  for (let round = 0; round < rounds; round += 1) tapes.push(await runRound(wanted, ports));
  const texts = [...ports.keys()].map((name) => {
    const protocol = wanted.manifest.destinations[name]?.protocol ?? '';
    const text =
      protocol === 'https'
        ? httpRecordingOf(tapes.map(({ requests }) => requests.get(name) ?? []))
        : recordingOf(
            tapes.map(({ streams }) => streams.get(name) ?? []),
            protocol,
          );
    return { name, text };
  });
  const at = path.join(wanted.folder, recordingsFolder);
  try {
    mkdirSync(at, { recursive: true });
    return texts.map(({ name, text }) => {
      const file = path.join(at, `${name}.json`);
      writeFileSync(file, text);
      return file;
    });
  } catch {
    throw new Fault('malformed', `${at} cannot be written to by this user: record into a folder of your own`);
  }
}

/** In a process of its own: it counts from the start, as it will in "test". */
async function runRound({ product, atLeast, manifest, entry, settings }: Recorded, ports: ReadonlyMap<string, number>) {
  const [{ backend, tape: streams }, { requests, tape }] = [createRecorder(ports), createHttpRecorder(ports)];
  const stand = await startStand({ product, atLeast, manifest, entry, settings, backend, requests });
  try {
    for (const tool of manifest.tools.filter(({ offer }) => isCallable(offer)))
      for (const { title, arguments: given } of tool.examples) {
        const outcome = await stand.call(tool.name, given);
        if (!outcome.released)
          throw new Fault(
            'malformed',
            `nothing is recorded: example ${tool.name}: ${title}: ${outcome.code}: ${outcome.say}`,
          );
      }
  } finally {
    await stand.stop();
  }
  return { streams, requests: tape };
}
