/**
 * Kept rows in the window: the person reads them page by page, or saves the whole into a file that they choose. Guarantees:
 * a page is text of bounded length; one file at a time is written, and none is left half-written when it fails, is
 * stopped, or Sallyport ends in order; the file's name comes from the system's own dialog, never from the page.
 */
import type { KeptRows } from './connectors/kept-rows.ts';
import { Fault } from './contract/errors.ts';
import { maxPageRows, type KeptHead } from './contract/reference.ts';
import {
  maxCellLength,
  maxShownLength,
  shownRows,
  type SaveProgress,
  type WindowHandlers,
  type WindowState,
} from './contract/window.ts';
import { saveRows } from './references/save-rows.ts';

export interface WindowRowsDeps {
  /** Throws while there is no gateway to ask. */
  readonly kept: () => KeptRows;
  /** The system's dialog, which asks before a file is replaced. Null: the person did not want to. */
  readonly chooseFile: (suggested: string) => Promise<string | null>;
  readonly onChange: () => void;
  readonly epochMs: () => number;
}

export interface WindowRows {
  readonly handlers: Pick<WindowHandlers, 'openRows' | 'rows' | 'saveRows' | 'cancelSave'>;
  /** What belongs to this person: a status and a list of two moments may be of two persons. */
  state(subject: string | null): Promise<Pick<WindowState, 'kept' | 'save'>>;
  /** Stops what is being written, and waits until nothing of it is left. */
  close(): Promise<void>;
}

const progressMs = 250;
const expiryMarginMs = 100;

export function createWindowRows(deps: WindowRowsDeps): WindowRows {
  const { kept, chooseFile, onChange, epochMs } = deps;
  let save: SaveProgress = { step: 'idle' };
  let stop: AbortController | null = null;
  let ended: Promise<void> = Promise.resolve();
  let expiry: NodeJS.Timeout | undefined;

  function move(to: SaveProgress): void {
    save = to;
    onChange();
  }

  async function write(id: string, { file, signal }: { readonly file: string; readonly signal: AbortSignal }) {
    try {
      const head = await kept().open(id, 'save');
      let toldMs = 0;
      move({ step: 'writing', id, rows: 0, of: head.rows });
      const { rows, defused } = await saveRows({
        file,
        columns: head.columns.map(({ name }) => name),
        pages: allPages(kept(), id, head),
        signal,
        onProgress(written) {
          if (epochMs() - toldMs < progressMs) return;
          toldMs = epochMs();
          move({ step: 'writing', id, rows: written, of: head.rows });
        },
      });
      move({ step: 'saved', id, file: file.slice(0, 4096), rows, defused });
    } catch (error) {
      const say = error instanceof Fault ? error.message : 'Something broke inside Sallyport. Nothing was saved.';
      move(signal.aborted ? { step: 'idle' } : { step: 'failed', id, say });
    }
  }

  async function begin(id: string): Promise<void> {
    if (stop !== null) throw new Fault('rate_limited', 'Another file is being saved. Wait for it, or stop it.');
    const own = new AbortController();
    stop = own;
    try {
      const { references } = await kept().list();
      const found = references.find((each) => each.id === id);
      if (!found) throw new Fault('access_ended', 'These rows are not kept any more.');
      const file = await chooseFile(suggestedName(found.tool, epochMs()));
      if (file === null || own.signal.aborted) return;
      ended = write(id, { file, signal: own.signal });
      await ended;
    } finally {
      stop = null;
    }
  }

  return {
    handlers: {
      openRows: ({ id }) => kept().open(id, 'open'),
      rows: async ({ id, from }) => ({ rows: shown(await kept().page(id, { from, limit: shownRows })) }),
      saveRows: async ({ id }) => {
        await begin(id);
        return {};
      },
      cancelSave: () => {
        stop?.abort();
        return Promise.resolve({});
      },
    },
    async state(subject) {
      const list = subject === null ? null : await kept().list();
      // What a person saved is nothing to the next one.
      if (list === null || list.subject !== subject) return { kept: [], save: { step: 'idle' } };
      clearTimeout(expiry);
      // The gateway tells nobody when the time of the first is over.
      const firstMs = Math.min(...list.references.map(({ until }) => until));
      if (list.references.length > 0) expiry = setTimeout(onChange, firstMs - epochMs() + expiryMarginMs).unref();
      return { kept: [...list.references], save };
    },
    async close() {
      clearTimeout(expiry);
      stop?.abort();
      await ended;
    },
  };
}

async function* allPages(kept: KeptRows, id: string, { rows }: KeptHead) {
  for (let from = 0; from < rows;) {
    const page = await kept.page(id, { from, limit: maxPageRows });
    if (page.length === 0) throw new Fault('access_ended', 'These rows are not kept any more. Nothing was saved.');
    yield page;
    from += page.length;
  }
}

/** Cells as text, cut where they are long; fewer rows where there is too much. Null stays null. */
function shown(rows: readonly (readonly unknown[])[]): (string | null)[][] {
  const page: (string | null)[][] = [];
  let length = 0;
  for (const row of rows) {
    const cells = row.map(cellText);
    length += cells.reduce((sum, cell) => sum + (cell?.length ?? 0), 0);
    if (page.length > 0 && length > maxShownLength) break;
    page.push(cells);
  }
  return page;
}

function cellText(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > maxCellLength ? `${text.slice(0, maxCellLength - 1)}…` : text;
}

/** Of this machine's own day. A tool's name has no sign that means something to a file system. */
function suggestedName(tool: string, nowMs: number): string {
  const now = new Date(nowMs);
  const two = (part: number): string => String(part).padStart(2, '0');
  const day = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
  return `${tool.replaceAll(/[^A-Za-z0-9_-]/g, '_')}-${day}-${two(now.getHours())}${two(now.getMinutes())}.csv`;
}
