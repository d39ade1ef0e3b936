/** Tells of changes to an author's sources. Packages, hidden folders and the types that are made here are none. */
import { readdirSync, watch, type FSWatcher } from 'node:fs';
import path from 'node:path';

export interface Watched {
  /** Resolves once, when files were changed and then left alone for a moment: the last one. Null: aborted. */
  readonly changed: Promise<string | null>;
  close(): void;
}

/** Editors write in several steps. */
const quietMs = 150;

export function watchFolder(folder: string, ignored: string, signal: AbortSignal): Watched {
  const { promise: changed, resolve } = Promise.withResolvers<string | null>();
  let timer: NodeJS.Timeout | undefined;
  const onAbort = (): void => {
    resolve(null);
  };
  const onChange = (at: string): void => {
    if (at === path.join(folder, ignored)) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      resolve(path.relative(folder, at));
    }, quietMs);
  };
  const watchers = foldersIn(folder).map((each): FSWatcher => {
    const watcher = watch(each, (_, name) => {
      onChange(path.join(each, name ?? ''));
    });
    // It was removed.
    return watcher.on('error', () => {
      onChange(each);
    });
  });
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort);
  return {
    changed,
    close() {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      for (const watcher of watchers) watcher.close();
    },
  };
}

function foldersIn(folder: string): string[] {
  const own = readdirSync(folder, { withFileTypes: true })
    .filter((each) => each.isDirectory() && each.name !== 'node_modules' && !each.name.startsWith('.'))
    .map(({ name }) => path.join(folder, name));
  return [folder, ...own.flatMap(foldersIn)];
}
