/** The operations of a document, by their names, and where each is. */
import { Fault } from '../../contract/errors.ts';
import { isObject, listOf, textOf, type Json, type OpenApi } from './document.ts';

const methods = ['get', 'post', 'put', 'patch', 'delete'] as const;
export type Method = Uppercase<(typeof methods)[number]>;

export interface Operation {
  /** `operationId`, else `GET /path`. */
  readonly id: string;
  readonly method: Method;
  /** As in the document. */
  readonly path: string;
  readonly node: Json;
  /** Of the path too; an operation's own replace those. Read when it is chosen: what cannot be followed is its own. */
  readonly parameters: readonly Json[];
  /** Of the path or the operation, where they name others than the document. */
  readonly hasOwnServers: boolean;
}

export function operationsOf(document: OpenApi): readonly Operation[] {
  const paths = isObject(document.root['paths']) ? document.root['paths'] : {};
  return Object.entries(paths).flatMap(([path, given]) => {
    const item = document.followed(given);
    return methods.flatMap((method): Operation[] => {
      const node = item[method];
      if (!isObject(node)) return [];
      const shown = method.toUpperCase() as Method;
      return [
        {
          id: textOf(node['operationId']) || `${shown} ${path}`,
          method: shown,
          path,
          node,
          get parameters() {
            return parametersOf(document, item, node);
          },
          hasOwnServers: listOf(item['servers']).length + listOf(node['servers']).length > 0,
        },
      ];
    });
  });
}

function parametersOf(document: OpenApi, item: Json, node: Json): readonly Json[] {
  const byPlace = new Map<string, Json>();
  for (const given of [...listOf(item['parameters']), ...listOf(node['parameters'])]) {
    const parameter = document.followed(given);
    byPlace.set(`${textOf(parameter['in'])} ${textOf(parameter['name'])}`, parameter);
  }
  return [...byPlace.values()];
}

/** The host that manifests name, and what stands before each path. */
export interface Server {
  /** Undefined: the document does not say. */
  readonly host: string | undefined;
  readonly basePath: string;
}

export function serverOf({ root }: OpenApi): Server {
  const [first] = listOf(root['servers']);
  if (!isObject(first)) return { host: undefined, basePath: '' };
  const variables = isObject(first['variables']) ? first['variables'] : {};
  const url = textOf(first['url']).replaceAll(/\{([^}]*)\}/g, (_, name: string) => {
    const variable = variables[name];
    return isObject(variable) ? textOf(variable['default']) : '';
  });
  const isAbsolute = /^https?:\/\//.test(url);
  if (isAbsolute && url.includes('*')) throw new Fault('malformed', 'its server is any host: say which by --host');
  if (!isAbsolute && /^[a-z][a-z0-9+.-]*:/i.test(url))
    throw new Fault('malformed', 'its server is neither an https address nor a path');
  const read = URL.canParse(url, 'https://api.invalid') ? new URL(url, 'https://api.invalid') : undefined;
  if (read === undefined) throw new Fault('malformed', 'the address of its server cannot be read');
  return { host: isAbsolute ? read.hostname : undefined, basePath: read.pathname.replace(/\/+$/, '') };
}

export interface Choice {
  /** Names as `operationsOf` gives them, or `GET /path`. */
  readonly operations: readonly string[];
  readonly allReads: boolean;
}

/** @throws Fault `malformed` naming what there is */
export function chosen(all: readonly Operation[], { operations, allReads }: Choice): readonly Operation[] {
  const isNamed = ({ id, method, path }: Operation, name: string): boolean =>
    id === name || `${method} ${path}`.toLowerCase() === name.toLowerCase();
  const twofold = operations.find((name) => all.filter((each) => isNamed(each, name)).length > 1);
  if (twofold !== undefined)
    throw new Fault('malformed', `several operations are named "${twofold}": mend its operationIds`);
  const unknown = operations.find((name) => !all.some((each) => isNamed(each, name)));
  if (unknown !== undefined) throw new Fault('malformed', `it has no operation "${unknown}"; it has: ${listed(all)}`);
  const found = all.filter(
    (each) => (allReads && each.method === 'GET') || operations.some((name) => isNamed(each, name)),
  );
  if (found.length > 0) return found;
  throw new Fault(
    'malformed',
    `say which operations become tools, by --operation NAME or --all-reads; it has: ${listed(all)}`,
  );
}

const mostListed = 40;

function listed(all: readonly Operation[]): string {
  const names = all.slice(0, mostListed).map(({ id }) => id);
  const more = all.length > names.length ? ` and ${all.length - names.length} more` : '';
  return all.length === 0 ? 'none' : `${names.join(', ')}${more}`;
}
