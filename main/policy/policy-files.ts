/**
 * Cedar files, read and analysed once. Guarantees that every policy has a name (`@id`), type-checks against our schema and
 * uses only annotations that mean something; what may be a mistake without being wrong is a warning. What is analysed:
 * one policy at a time. Not analysed: whether roles, groups, people or tools of these names exist, and whether two
 * policies contradict each other.
 */
import { createHash } from 'node:crypto';
import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { readOpinion, type Opinion } from './annotations.ts';
import { cedar } from './cedar-module.ts';
import { comparesAnyCall, meantForEverybody, withAnyCall } from './policy-shape.ts';
import { schemaText } from './schema.ts';

export interface PolicyFile {
  readonly name: string;
  readonly text: string;
}

export interface Place {
  readonly file: string;
  readonly line: number;
}

export interface Finding extends Place {
  readonly level: 'error' | 'warning';
  readonly reason: string;
}

export interface LoadedPolicy extends Place, Opinion {
  readonly id: string;
  readonly effect: 'permit' | 'forbid';
  /** As Cedar takes it. */
  readonly text: string;
}

export interface LoadedPolicies {
  readonly policies: ReadonlyMap<string, LoadedPolicy>;
  /** In the order of files and lines. */
  readonly findings: readonly Finding[];
  /** Differs wherever a decision could differ. */
  readonly version: string;
}

export function placeText({ file, line }: Place): string {
  return `${file}:${line}`;
}

export function loadPolicies(files: readonly PolicyFile[]): LoadedPolicies {
  const policies = new Map<string, LoadedPolicy>();
  const findings = files.flatMap((file) => readFile(file, policies));
  const told = [...policies.values()].map(({ id, text }) => [id, text]);
  const version = createHash('sha256')
    .update(JSON.stringify([cedar.getCedarVersion(), schemaText, told]))
    .digest('hex');
  return { policies, findings, version };
}

type Known = Map<string, LoadedPolicy>;

function readFile({ name: file, text }: PolicyFile, known: Known): Finding[] {
  const wrong = (line: number, reason: string): Finding => ({ level: 'error', file, line, reason });
  const parts = cedar.policySetTextToParts(text);
  if (parts.type === 'failure') {
    const [first] = parts.errors;
    const at = first?.sourceLocations?.[0];
    return [wrong(lineOfByte(text, at?.start ?? 0), sentence(first?.message ?? 'not Cedar', at?.label ?? first?.help))];
  }
  const [template] = parts.policy_templates;
  if (template !== undefined)
    return [wrong(lineOf(text, text.indexOf(template)), 'policy templates are not supported.')];
  const from = new Map<string, number>();
  return parts.policies
    .map((policy) => {
      // The same words can stand twice.
      const start = text.indexOf(policy, from.get(policy) ?? 0);
      from.set(policy, start + 1);
      return { policy, line: lineOf(text, start) };
    })
    .sort((one, other) => one.line - other.line)
    .flatMap(({ policy, line }) => readPolicy(policy, { file, line }, known));
}

function readPolicy(text: string, place: Place, known: Known): Finding[] {
  const wrong = (reason: string): Finding[] => [{ level: 'error', ...place, reason }];
  const parsed = cedar.policyToJson(text);
  if (parsed.type === 'failure') return wrong(sentence(parsed.errors[0]?.message ?? 'not Cedar', null));
  const { effect, annotations = {} } = parsed.json;
  const id: unknown = annotations['id'];
  if (typeof id !== 'string' || !/^[\w.:-]{1,64}$/.test(id))
    return wrong('every policy needs an @id("…") of letters, digits, "_", "-", "." or ":" (at most 64).');
  if (known.has(id)) return wrong(`the id "${id}" is used twice.`);
  const opinion = readOpinion(effect, annotations);
  if (typeof opinion === 'string') return wrong(`${opinion}.`);
  if (comparesAnyCall(parsed.json))
    return wrong('no call is "call" itself: write action in Sallyport::Action::"call", or leave it out.');
  const rewritten = withAnyCall(text, parsed.json);
  if (rewritten === null) return wrong('write action in Sallyport::Action::"call" for every call.');
  known.set(id, { id, effect, ...place, ...opinion, text: rewritten });
  return judge(id, rewritten, { place, json: parsed.json });
}

interface Judged {
  readonly place: Place;
  readonly json: PolicyJson;
}

function judge(id: string, text: string, { place, json }: Judged): Finding[] {
  const answer = cedar.validate({
    schema: schemaText,
    policies: { staticPolicies: { [id]: text } },
    validationSettings: { mode: 'strict' },
  });
  const found = (level: Finding['level'], { message, help, sourceLocations }: Located): Finding => {
    const line = place.line + lineOfByte(text, sourceLocations?.[0]?.start ?? 0) - 1;
    return { level, file: place.file, line, reason: sentence(message.replace(`for policy \`${id}\`, `, ''), help) };
  };
  if (answer.type === 'failure') return answer.errors.map((error) => found('error', error));
  const errors = answer.validationErrors.map(({ error }) => found('error', error));
  if (errors.length > 0) return errors;
  const warnings = answer.validationWarnings.map(({ error }) => found('warning', error));
  const never = warnings.find(({ reason }) => /impossible|applicable action/.test(reason));
  const others = warnings.filter(({ reason }) => !/impossible|applicable action/.test(reason));
  const everybody = meantForEverybody(json);
  return [
    ...others,
    ...(never === undefined ? [] : [{ ...never, reason: 'it can never apply: its conditions are never true.' }]),
    ...(everybody === null ? [] : [{ level: 'warning' as const, ...place, reason: everybody }]),
  ];
}

interface Located {
  readonly message: string;
  readonly help: string | null;
  readonly sourceLocations?: readonly { readonly start: number; readonly label: string | null }[];
}

function sentence(message: string, hint: string | null | undefined): string {
  return hint === null || hint === undefined || hint === '' ? `${message}.` : `${message} (${hint}).`;
}

/** Cedar counts bytes. */
function lineOfByte(text: string, byte: number): number {
  return Buffer.from(text).subarray(0, byte).toString().split('\n').length;
}

function lineOf(text: string, index: number): number {
  return text.slice(0, Math.max(0, index)).split('\n').length;
}
