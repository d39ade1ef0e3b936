/** What `sallyport policy` says, for people. */
import type { KnownDefinition } from '../contract/control.ts';
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
    /** Of a wrapped server's tool. */
    readonly definition?: KnownDefinition | undefined;
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
    ...(tool.definition === undefined ? [] : [`  defined   ${definitionWords[tool.definition]}`]),
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

const definitionWords: Readonly<Record<KnownDefinition, string>> = {
  approved: 'as its server says and the person approved in this run, with what the manifest says of it',
  waiting: 'as its server says; not approved in this run, so calls end as definition_changed whatever policy says',
  remembered: 'as its server said when it was approved in an earlier run; the next run asks again',
  named: 'by the manifest alone: its server has not run, so its own definition is not known yet',
  unknown: 'not known before its server ran: taken as a tool that writes, with a sensitive result',
};

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
