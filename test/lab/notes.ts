/** A server that anybody can install, wrapped by a manifest alone: it reads a folder of sample notes, and nothing else. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { readServerProgram } from '../../main/connectors/wrapped/server-program.ts';
import type { ConnectorConfig } from '../../main/contract/config.ts';
import { Fault } from '../../main/contract/errors.ts';
import { manifestSchema } from '../../main/contract/manifest.ts';

const notes: Readonly<Record<string, string>> = {
  'regions.md':
    '# When regions ship\n\nnorth   Mondays and Thursdays\nsouth   every working day\neast    Tuesdays\nwest    every working day, from the port\n',
  'counting.md': '# Counting stock\n\nCount twice, write once. The count of a shelf is the lower of two.\n',
  'returns.md': '# Returns\n\nA return is booked when it is on the shelf again, not when it is announced.\n',
};
const read = { operation: 'read', classification: 'internal' } as const;
const tools = { read_text_file: read, list_directory: read, search_files: read } as const;

/** Where the build puts @modelcontextprotocol/server-filesystem, as one file (build/bundle.mjs). */
function serverFolder(): string {
  const isSource = import.meta.filename.endsWith('.ts');
  return path.join(
    isSource ? path.resolve(import.meta.dirname, '../../dist/lab') : import.meta.dirname,
    'notes-server',
  );
}

export const notesFolder = (labFolder: string): string => path.join(labFolder, 'notes');

export async function notesConnector(labFolder: string): Promise<ConnectorConfig> {
  const [folder, sample, program] = [path.join(labFolder, 'notes-connector'), notesFolder(labFolder), serverFolder()];
  await Promise.all([folder, sample].map((each) => mkdir(each)));
  for (const [name, text] of Object.entries(notes)) await writeFile(path.join(sample, name), text);
  const given = {
    ...{ name: 'notes', version: '1.0.0', title: 'Notes', description: 'Sample notes of the lab.' },
    wrap: { command: process.execPath, args: [path.join(program, 'server.mjs'), sample], program, tools },
    files: [{ path: sample }],
  };
  const { wrap, files } = manifestSchema.parse(given);
  if (wrap === undefined || files === undefined) throw new Fault('internal', 'the manifest of the notes wraps nothing');
  const { sha256 } = readServerProgram(folder, { wrap, files }, ({ reason }) => new Fault('internal', reason));
  const manifest = { ...given, wrap: { ...given.wrap, sha256 } };
  await writeFile(path.join(folder, 'manifest.json'), JSON.stringify(manifest, null, 2));
  return { name: 'notes', path: folder, settings: {}, destinations: {} };
}
