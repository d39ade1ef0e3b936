/** What of a third party's schema may run on an agent's input. */

/** Those that the registry's validator has and that a text of a foreign document may ask for. */
export const knownFormats = [
  'date',
  'time',
  'date-time',
  'duration',
  'email',
  'hostname',
  'ipv4',
  'ipv6',
  'uri',
  'uuid',
];

/** Never worse than quadratic: no groups, no choices, no references, at most one repetition that is not a fixed number. */
export function isSimplePattern(pattern: string): boolean {
  const bare = pattern.replaceAll(/\\[^0-9k]/g, '_').replaceAll(/\[[^\]]*\]/g, '_');
  if (/[()\\|]/.test(bare)) return false;
  const repeated = bare.match(/[*+?]|\{\d*,\d*\}/g) ?? [];
  if (repeated.length > 1) return false;
  try {
    new RegExp(pattern, 'u');
    return true;
  } catch {
    return false;
  }
}
