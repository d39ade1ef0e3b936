/** What `sallyport policy` says, for people. */
import type { Explanation } from './explain.ts';
import { placeText, type Finding } from './policy-files.ts';

export interface Checked {
  readonly ok: boolean;
  readonly policies: number;
  readonly files: number;
  readonly version: string;
  readonly findings: readonly Finding[];
}

const analysed =
  'analysed: names, annotations, types against the schema, what can never apply, permits for everybody\n' +
  'not analysed: whether roles, groups, people and tools of these names exist; whether policies contradict each other';

export function checkText({ ok, policies, files, version, findings }: Checked): string {
  const lines = findings.map(
    ({ level, reason, ...place }) => `${placeText(place)}: ${level === 'warning' ? 'warning: ' : ''}${reason}`,
  );
  const warnings = findings.filter(({ level }) => level === 'warning').length;
  const errors = findings.length - warnings;
  const counts = `${policies} policies in ${files} files, ${errors} errors, ${warnings} warnings`;
  return [...lines, `${ok ? 'ok' : 'wrong'}: ${counts}`, ...(ok ? [`version ${version}`, analysed] : [])].join('\n');
}

export interface Explained extends Explanation {
  readonly person: {
    readonly username: string;
    readonly roles: readonly string[];
    readonly groups: readonly string[];
    readonly authenticationMethods: readonly string[];
  };
  readonly claims: 'signed-in' | 'described';
  readonly program: string;
  readonly tool: {
    readonly name: string;
    readonly connector: string;
    readonly operation: string;
    readonly classification: string;
    readonly destinations: readonly string[];
  };
  readonly resource: string;
}

export function explainText(explained: Explained): string {
  const { person, claims, program, tool, resource } = explained;
  const list = (texts: readonly string[]): string => (texts.length === 0 ? 'none' : texts.join(', '));
  const who = `roles ${list(person.roles)}; groups ${list(person.groups)}; methods ${list(person.authenticationMethods)}`;
  return [
    verdict(explained),
    `  person    ${person.username} (${who}), ${claims === 'described' ? 'as described' : 'as signed in'}`,
    `  program   ${program}`,
    `  tool      ${tool.name}: ${tool.operation}, ${tool.classification}, ${tool.connector} to ${list(tool.destinations)}`,
    `  resource  ${resource === '' ? 'none' : resource}`,
    ...terms(explained),
    ...explained.deciding.map((each) => `  ${each.effect.padEnd(8)}  ${each.id}  ${placeText(each)}`),
    ...explained.nearest.flatMap(({ id, unmet, ...place }) => [
      `  nearest   ${id}  ${placeText(place)}`,
      ...unmet.map((each) => `            not so: ${each}`),
    ]),
    `  policies  version ${explained.version}`,
  ].join('\n');
}

function verdict({ permitted, policy, deciding }: Explained): string {
  if (permitted) return `permitted by ${policy ?? ''}`;
  return deciding.length === 0 ? 'not permitted: no policy permits it (default deny)' : `forbidden by ${policy ?? ''}`;
}

function terms({ permitted, approval, exposure, flow, full }: Explained): string[] {
  if (!permitted) return [];
  const asked = approval === 'required' ? 'the person approves each call first' : 'not needed';
  const all = approval === 'required' ? 'all of them, as the person approves the call' : 'no: nobody is asked';
  return [
    `  approval  ${asked}`,
    `  exposure  ${exposure} at most`,
    ...(flow === 'approve' ? ['  flow      to where less may go: the person decides'] : []),
    ...(full === 'approved' ? [`  full rows ${all}`] : []),
  ];
}
