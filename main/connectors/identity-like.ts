/**
 * Arguments that are named like the caller's identity. Guarantees: no manifest loads whose input has one, unless its author
 * said that it is data about somebody. Such an argument never is anything but data: who calls is known from the vault alone.
 */
type Schema = Readonly<Record<string, unknown>>;

/** Beside a member that is named like an identity: it is data, and the connector takes it for nothing else. */
export const identityKeyword = 'x-sallyport-identity';

/** Without case and punctuation. */
const names = new Set(
  [
    'user users userid username useremail usersub uid upn userprincipalname login loginhint loginname',
    'tenant tenantid tenantname tid role roles rolename sub principal principalid principalname identity oid objectid',
    'onbehalfof obo impersonate impersonated impersonateuser impersonation asuser runas runasuser actas actingas actor sudo',
    'caller callerid currentuser sessionuser effectiveuser remoteuser authuser authenticateduser delegate delegatedby',
    'authorization accesstoken idtoken bearertoken cookie xforwardeduser xremoteuser xuser xuserid xtenantid xrole',
  ]
    .join(' ')
    .split(' '),
);

export function isIdentityLike(name: string): boolean {
  const bare = name
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]/gu, '');
  return names.has(bare) || bare.startsWith('xmsclientprincipal');
}

const single = [
  'items',
  'additionalProperties',
  'unevaluatedProperties',
  'unevaluatedItems',
  'contains',
  'propertyNames',
  'not',
  'if',
  'then',
  'else',
];
const lists = ['prefixItems', 'anyOf', 'oneOf', 'allOf'];
const maps = ['properties', '$defs', 'definitions', 'dependentSchemas'];

export interface Place {
  readonly path: readonly string[];
  readonly reason: string;
}

/** Null, or the place in an input schema that lets such an argument in unmarked. */
export function identityPlace(schema: unknown, path: readonly string[] = []): Place | null {
  if (!isSchema(schema)) return null;
  if ('patternProperties' in schema)
    return { path: [...path, 'patternProperties'], reason: 'an input names each member: use "properties"' };
  for (const [keys, child] of children(schema)) {
    const [map, name] = keys;
    if (map === 'properties' && name !== undefined && isIdentityLike(name) && !isMarked(child)) {
      const mend = `if it is data about somebody, say "${identityKeyword}": "data" in it, else leave it out`;
      return { path: [...path, ...keys], reason: `"${name}" is named like the caller's identity: ${mend}` };
    }
    const found = identityPlace(child, [...path, ...keys]);
    if (found !== null) return found;
  }
  return null;
}

function isMarked(schema: unknown): boolean {
  return isSchema(schema) && schema[identityKeyword] === 'data';
}

function* children(schema: Schema): Generator<[readonly string[], unknown]> {
  for (const key of single) if (key in schema) yield [[key], schema[key]];
  for (const key of [...lists, ...maps]) {
    const group = schema[key];
    if (typeof group !== 'object' || group === null) continue;
    for (const [name, child] of Object.entries(group)) yield [[key, name], child];
  }
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
