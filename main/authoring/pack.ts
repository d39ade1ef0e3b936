/** One file to hand over: a tar of what runs, the same bytes for the same content, and its SHA-256. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { hashOf, tarOf } from '../connectors/packed.ts';
import type { Built } from './build-connector.ts';

export interface Packed {
  readonly file: string;
  readonly sha256: string;
  readonly bytes: number;
}

/** @param name of the connector and its version */
export function pack(built: Built, into: string, name: string): Packed {
  const archive = tarOf(path.dirname(built.entry), built.files);
  const sha256 = hashOf(archive);
  const file = path.join(into, `${name}.tar`);
  writeFileSync(file, archive);
  writeFileSync(`${file}.sha256`, `${sha256}  ${path.basename(file)}\n`);
  return { file, sha256, bytes: archive.length };
}
