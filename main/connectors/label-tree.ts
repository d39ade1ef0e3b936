/**
 * The labels of a tool's output, compiled once from its schema. Guarantees that every label that a schema states is
 * followed (one at a place that is not followed does not load), that none is above what the tool declares, and that
 * where several schemas describe one place, the highest label and the strictest rule hold.
 */
import { Fault } from '../contract/errors.ts';
import {
  classificationSchema,
  highestOf,
  isAbove,
  labelKeywords,
  redactionSchema,
  type Classification,
  type LabelNode,
  type Redaction,
} from '../contract/labels.ts';

type Schema = Readonly<Record<string, unknown>>;
type Growing = { -readonly [K in keyof LabelNode]: LabelNode[K] } & { readonly members: Map<string, LabelNode> };
interface Inherited {
  readonly label: Classification;
  readonly rule: Redaction | null;
}

const strictest: readonly Redaction[] = ['drop', 'mask', 'hash', 'generalize'];

/** `at` names the schema in faults. */
export function compileLabels(at: string, schema: Schema, classification: Classification): LabelNode {
  const compiler = new Compiler(at, schema, classification);
  const root = compiler.node([schema], { label: classification, rule: null });
  compiler.finish();
  return root;
}

class Compiler {
  readonly #at: string;
  readonly #root: Schema;
  readonly #classification: Classification;
  readonly #nodes = new Map<string, Growing>();
  readonly #followed = new Map<Schema, number>();

  constructor(at: string, root: Schema, classification: Classification) {
    this.#at = at;
    this.#root = root;
    this.#classification = classification;
  }

  /** One place, described by some schemas together. The same place reached in the same way is the same node. */
  node(given: readonly Schema[], inherited: Inherited): LabelNode {
    const group = this.#together(given);
    const own = { label: this.#labelOf(group, inherited), rule: ruleOf(group) ?? inherited.rule };
    const key = `${group.map((schema) => this.#followed.get(schema)).join()} ${own.label} ${own.rule ?? ''}`;
    const known = this.#nodes.get(key);
    if (known !== undefined) return known;
    const made: Growing = { ...own, highest: own.label, members: new Map(), rest: null, items: null };
    this.#nodes.set(key, made);
    const below = (schemas: readonly Schema[]): LabelNode | null =>
      schemas.length === 0 ? null : this.node(schemas, own);
    for (const name of new Set(group.flatMap((schema) => Object.keys(mapOf(schema, 'properties'))))) {
      const found = below(group.flatMap((schema) => memberSchemas(schema, name)));
      if (found !== null) made.members.set(name, found);
    }
    made.rest = below(group.flatMap(restSchemas));
    made.items = below(group.flatMap(itemSchemas));
    return made;
  }

  finish(): void {
    for (const node of this.#nodes.values()) node.highest = highestOf([...reachable(node)].map(({ label }) => label));
    const missed = unfollowed(this.#root, this.#followed);
    if (missed !== null) throw new Fault('internal', `${this.#at}${missed}: a label cannot be stated here.`);
  }

  /** The schemas that hold at the same place as these: by reference, or one of several. */
  #together(given: readonly Schema[]): Schema[] {
    const group = new Set<Schema>();
    const pending = [...given];
    for (let schema = pending.pop(); schema !== undefined; schema = pending.pop()) {
      if (group.has(schema)) continue;
      group.add(schema);
      if (!this.#followed.has(schema)) this.#followed.set(schema, this.#followed.size);
      for (const keyword of ['anyOf', 'oneOf', 'allOf']) pending.push(...schemasIn(schema[keyword]));
      const target = this.#referred(schema['$ref']);
      if (target !== null) pending.push(target);
    }
    return [...group];
  }

  /** Only `#/$defs/…` can be referred to (closed-schema.ts). */
  #referred(reference: unknown): Schema | null {
    if (typeof reference !== 'string') return null;
    const name = reference.slice('#/$defs/'.length).replaceAll('~1', '/').replaceAll('~0', '~');
    const found = mapOf(this.#root, '$defs')[name];
    return isSchema(found) ? found : null;
  }

  #labelOf(group: readonly Schema[], { label }: Inherited): Classification {
    const stated = group.flatMap((schema) => {
      const parsed = classificationSchema.safeParse(schema[labelKeywords.classification]);
      return parsed.success ? [parsed.data] : [];
    });
    const high = stated.find((each) => isAbove(each, this.#classification));
    if (high !== undefined)
      throw new Fault(
        'internal',
        `${this.#at}: a field is labelled ${high}, above the tool's own classification ${this.#classification}.`,
      );
    return stated.length === 0 ? label : highestOf(stated);
  }
}

function ruleOf(group: readonly Schema[]): Redaction | null {
  const stated = group.flatMap((schema) => {
    const parsed = redactionSchema.safeParse(schema[labelKeywords.redaction]);
    return parsed.success ? [parsed.data] : [];
  });
  return strictest.find((rule) => stated.includes(rule)) ?? null;
}

/** A name can also match patterns. */
function memberSchemas(schema: Schema, name: string): Schema[] {
  const named = mapOf(schema, 'properties')[name];
  const patterns = Object.entries(mapOf(schema, 'patternProperties'));
  const matching = patterns.filter(([pattern]) => new RegExp(pattern, 'u').test(name)).map(([, each]) => each);
  return [named, ...matching].filter(isSchema);
}

function restSchemas(schema: Schema): Schema[] {
  const { additionalProperties, unevaluatedProperties } = schema;
  return [additionalProperties, unevaluatedProperties, ...Object.values(mapOf(schema, 'patternProperties'))].filter(
    isSchema,
  );
}

function itemSchemas(schema: Schema): Schema[] {
  return [schema['items'], schema['unevaluatedItems'], ...schemasIn(schema['prefixItems'])].filter(isSchema);
}

function* reachable(from: LabelNode): Generator<LabelNode> {
  const seen = new Set<LabelNode>();
  const pending = [from];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    yield node;
    pending.push(...node.members.values());
    for (const next of [node.rest, node.items]) if (next !== null) pending.push(next);
  }
}

/** Where a label stands in a schema that no place of the output leads to. */
function unfollowed(value: unknown, followed: ReadonlyMap<Schema, unknown>, at = ''): string | null {
  if (typeof value !== 'object' || value === null) return null;
  const states = Object.values(labelKeywords).some((keyword) => typeof (value as Schema)[keyword] === 'string');
  if (states && !followed.has(value as Schema)) return at;
  for (const [key, child] of Object.entries(value)) {
    const found = unfollowed(child, followed, `${at}/${key}`);
    if (found !== null) return found;
  }
  return null;
}

function mapOf(schema: Schema, keyword: string): Schema {
  const map = schema[keyword];
  return isSchema(map) ? map : {};
}

function schemasIn(list: unknown): Schema[] {
  return Array.isArray(list) ? list.filter(isSchema) : [];
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
