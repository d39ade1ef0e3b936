/**
 * Cedar policies, analysed when they are loaded and decided per call. Guarantees default deny, that a policy that cannot be
 * evaluated is a fault, never a skipped rule, and that a kept decision depends on every input and on the policies'
 * version. Trusts the folder the policies came from: the shell reads it.
 */
import { strictest, termsOf, type Terms } from './annotations.ts';
import { cedar } from './cedar-module.ts';
import { Fault } from '../contract/errors.ts';
import { classifications } from '../contract/labels.ts';
import { anyResource } from '../contract/resource-pointer.ts';
import { createDecisionCache, type DecisionCache } from './decision-cache.ts';
import { loadPolicies, placeText, type Finding, type LoadedPolicies, type PolicyFile } from './policy-files.ts';
import { keyOf, requestOf, type Question } from './question.ts';
import { schemaText } from './schema.ts';

export type { PolicyFile } from './policy-files.ts';
export type { Question } from './question.ts';

export interface Decision extends Terms {
  readonly permitted: boolean;
  /** The policies that decided, by `@id`, sorted and joined by a comma; `+n`: that many more. Null: nothing permitted (default deny). */
  readonly policy: string | null;
}

export interface PolicyAuthorizer {
  decide(question: Question): Decision;
  /** Of the policies, SHA-256 in hex. */
  readonly version: string;
  /** What may be a mistake in them: `file:line: reason`. */
  readonly warnings: readonly string[];
  readonly counts: DecisionCache<Decision>['counts'];
}

const cacheEntries = 10_000;
/** As the audit log has it. */
const maxPolicyText = 200;
/** What says how many more. */
const roomForMore = 8;
const maxFindings = 20;
const schemaName = 'sallyport';

/** Faults with file, line and reason: nothing half-configured runs. */
export function createAuthorizer(files: readonly PolicyFile[]): PolicyAuthorizer {
  const loaded = loadPolicies(files);
  const errors = loaded.findings.filter(({ level }) => level === 'error');
  if (errors.length > 0) throw new Fault('internal', errors.slice(0, maxFindings).map(findingText).join('\n'));
  const setName = prepare(loaded);
  const cache = createDecisionCache<Decision>(cacheEntries);
  return {
    decide: (question) =>
      cache.get(keyOf(question), () =>
        question.resource === anyResource
          ? foresee(loaded, question)
          : question.principal.groupsOverage === true
            ? regardlessOfGroups(loaded, question)
            : evaluate(setName, loaded, question),
      ),
    version: loaded.version,
    warnings: warningsOf(loaded),
    counts: cache.counts,
  };
}

export function findingText({ reason, ...place }: Finding): string {
  return `${placeText(place)}: ${reason}`;
}

function warningsOf({ policies, findings }: LoadedPolicies): string[] {
  const told = findings.filter(({ level }) => level === 'warning').map(findingText);
  const permits = [...policies.values()].some(({ effect }) => effect === 'permit');
  return permits ? told : [...told, 'no policy permits anything: every call is refused.'];
}

/** Cedar keeps sets by name for the whole process, so a name is of one set only. */
function prepare({ policies, version }: LoadedPolicies): string {
  const setName = `sallyport-${version}`;
  const staticPolicies = Object.fromEntries([...policies].map(([id, { text }]) => [id, text]));
  const parsed = [cedar.preparseSchema(schemaName, schemaText), cedar.preparsePolicySet(setName, { staticPolicies })];
  if (parsed.some(({ type }) => type === 'failure')) throw new Fault('internal', 'The policies could not be loaded.');
  return setName;
}

function evaluate(setName: string, { policies }: LoadedPolicies, question: Question): Decision {
  const answer = cedar.statefulIsAuthorized({
    ...requestOf(question),
    preparsedSchemaName: schemaName,
    preparsedPolicySetId: setName,
    validateRequest: true,
  });
  // Cedar skips a policy that fails to evaluate; a skipped forbid would widen.
  if (answer.type === 'failure' || answer.response.diagnostics.errors.length > 0) throw notEvaluated();
  const { decision, diagnostics } = answer.response;
  const decided = [...diagnostics.reason].sort();
  const permitted = decision === 'allow';
  const opinions = decided.flatMap((id) => policies.get(id) ?? []);
  const terms = permitted ? termsOf(question.tool.manifest.operation, opinions) : strictest;
  return Object.freeze({ permitted, policy: policyText(decided), ...terms });
}

/** Whether some resource could be permitted, and the least that results then show: for lists, never for a call. */
function foresee(loaded: LoadedPolicies, question: Question): Decision {
  const { policies } = loaded;
  const { decision, mayBeDetermining } = askPartially(loaded, question);
  const permits = mayBeDetermining.flatMap((id) => policies.get(id) ?? []).filter(({ effect }) => effect === 'permit');
  const permitted = decision !== 'deny' && permits.length > 0;
  const shown = permits.map((permit) => termsOf(question.tool.manifest.operation, [permit]).exposure);
  const exposure = classifications.find((label) => permitted && shown.includes(label)) ?? 'public';
  return Object.freeze({ ...strictest, permitted, policy: null, exposure });
}

/** Permitted only where it would be in every group and in none: what the provider left out decides nothing for the person. */
function regardlessOfGroups(loaded: LoadedPolicies, question: Question): Decision {
  const { decision, mayBeDetermining } = askPartially(loaded, question);
  if (decision !== 'allow') return Object.freeze({ ...strictest, permitted: false, policy: null });
  const opinions = mayBeDetermining.flatMap((id) => loaded.policies.get(id) ?? []);
  const terms = termsOf(question.tool.manifest.operation, opinions);
  return Object.freeze({ permitted: true, policy: policyText([...mayBeDetermining].sort()), ...terms });
}

function askPartially({ policies }: LoadedPolicies, question: Question) {
  const staticPolicies = Object.fromEntries([...policies].map(([id, { text }]) => [id, text]));
  // What is unknown fits no schema. The request is ours, and the policies were checked against the schema at load.
  const request = { ...requestOf(question), schema: schemaText, validateRequest: false };
  const answer = cedar.isAuthorizedPartial({ ...request, policies: { staticPolicies } });
  if (answer.type === 'failure' || answer.response.errored.length > 0) throw notEvaluated();
  return answer.response;
}

function notEvaluated(): Fault {
  return new Fault('internal', 'A policy could not be evaluated. Ask the administrator to check the policies.');
}

/** Whole ids, as many as fit, and how many more. */
function policyText(ids: readonly string[]): string | null {
  if (ids.length === 0) return null;
  const all = ids.join(',');
  if (all.length <= maxPolicyText) return all;
  const room = all.slice(0, maxPolicyText - roomForMore);
  const whole = room.slice(0, room.lastIndexOf(','));
  return `${whole},+${ids.length - whole.split(',').length}`;
}
