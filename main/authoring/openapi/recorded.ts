/** A made-up answer for a tool's example, as a recording: so that the example runs through every stage before anything is real. */
import { isObject } from './document.ts';
import type { Pages } from './annotations.ts';
import type { MadeTool } from './tool.ts';

export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly answers: {
    readonly status: number;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: unknown;
  };
}

export function recordingOf({ tool, asked, outputs }: MadeTool): readonly RecordedRequest[] {
  const [example] = tool.examples;
  if (example === undefined) return [];
  const { method } = asked;
  const path = asked.parameters
    .filter((each) => each.in === 'path')
    .reduce(
      (text, { name, argument }) => text.replace(`{${name}}`, () => encoded(example.arguments[argument])),
      asked.path,
    );
  const { status, sample, pages, etag } = outputs;
  const headers = etag ? { etag: '"1"' } : undefined;
  const body = pages !== undefined && 'next' in pages ? without(sample, pages.next) : sample;
  const whole = { status, ...(headers === undefined ? {} : { headers }), ...(body === undefined ? {} : { body }) };
  const last = pages === undefined ? undefined : endOf(pages, asked.items ?? '');
  const end = last === undefined ? [] : [{ method, path, query: last.query, answers: { status, body: last.body } }];
  return [...end, { method, path, answers: whole }];
}

/** As the SDK writes a list or a plain value into a path. */
const encoded = (value: unknown): string =>
  (Array.isArray(value) ? (value as readonly unknown[]) : [value])
    .map((each) => encodeURIComponent(String(each)))
    .join(',');

/** Where the next page is asked for by number alone, the second one is empty. */
function endOf(
  pages: Pages,
  items: string,
): { readonly query: Readonly<Record<string, string>>; readonly body: unknown } | undefined {
  if ((pages.by !== 'offset' && pages.by !== 'number') || pages.size !== undefined) return undefined;
  const second = pages.by === 'offset' ? 1 : pages.first + 1;
  const body = items
    .split('/')
    .slice(1)
    .reduceRight<unknown>((inner, name) => ({ [name]: inner }), []);
  return { query: { [pages.parameter]: String(second) }, body };
}

function without(value: unknown, pointer: string): unknown {
  const [, name = '', ...more] = pointer.split('/');
  if (!isObject(value) || !(name in value)) return value;
  const { [name]: inner, ...rest } = value;
  return more.length === 0 ? rest : { ...rest, [name]: without(inner, `/${more.join('/')}`) };
}
