/** What is wrong with arguments or a result, in words for whoever may mend them. */
import type { ErrorObject } from 'ajv/dist/2020.js';
import { textKeyword } from './own-keywords.ts';

/** Names the member and what is allowed there; never the value. */
export function explain(error: ErrorObject | undefined): string {
  if (error === undefined) return 'they do not fit the schema.';
  const at = error.instancePath === '' ? 'the arguments' : `"${printable(error.instancePath.slice(1))}"`;
  const parameters: Readonly<Record<string, unknown>> = error.params;
  switch (error.keyword) {
    case 'additionalProperties':
    case 'unevaluatedProperties': {
      const member = printable(String(parameters['additionalProperty'] ?? parameters['unevaluatedProperty']));
      const declared = Object.keys((error.parentSchema?.['properties'] ?? {}) as Record<string, unknown>);
      return `"${member}" is not a member of ${at}${declared.length === 0 ? '' : `; allowed: ${declared.join(', ')}`}.`;
    }
    case 'required':
      return `"${printable(String(parameters['missingProperty']))}" is missing in ${at}.`;
    case textKeyword:
      return `${at} ${String(error.message)}.`;
    case 'enum':
      return `${at} must be one of ${JSON.stringify(parameters['allowedValues']).slice(0, 500)}.`;
    default:
      return `${at} ${error.message ?? 'does not fit the schema'}.`;
  }
}

/** A member's name is the agent's own text: shortened, and without control characters. */
function printable(text: string): string {
  return text.slice(0, 80).replaceAll(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, '�');
}
