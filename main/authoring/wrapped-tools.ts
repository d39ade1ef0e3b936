/** What a wrapped server says of its tools, as checks, and as the tools that its examples are calls of. */
import type { Admission } from '../connectors/definitions/definitions.ts';
import { wrappedTool, type WrappedManifest } from '../connectors/wrapped/wrapped-tool.ts';
import type { OfferedTool } from '../contract/call.ts';
import { Fault } from '../contract/errors.ts';
import { isAbove } from '../contract/labels.ts';
import type { ConnectorManifest, ToolManifest } from '../contract/manifest.ts';
import { plain } from '../contract/plain.ts';
import type { Check } from './acceptance.ts';

export interface WrappedTools {
  readonly offered: readonly OfferedTool[];
  /** Those with examples, as `callExamples` takes them. */
  readonly called: readonly ToolManifest[];
  readonly checks: readonly Check[];
}

export function isWrapped(manifest: ConnectorManifest): manifest is WrappedManifest {
  return manifest.wrap !== undefined;
}

/** As it runs in a stand, where nothing answers for a destination. */
export function offline(manifest: WrappedManifest): WrappedManifest {
  return { ...manifest, destinations: {} };
}

/** What it says, and that it was approved; or why nothing of it is tested. */
export function definitionChecks({ state, pin, findings }: Admission): readonly Check[] {
  const found = findings.flatMap(({ weight, tool, at, say, excerpt }): Check[] => {
    if (weight === 'notice') return [];
    const why = `${say} At ${plain(at)}: ${plain(excerpt)}`;
    const mend = 'ask whoever makes the server; another version may do';
    return [{ level: 'failed', what: `definition ${plain(tool, 64)}`, why, mend }];
  });
  const tools = `${pin.tools.length} ${pin.tools.length === 1 ? 'definition' : 'definitions'}, ${pin.hash}`;
  const sum: Check =
    state === 'same'
      ? {
          level: 'ok',
          what: 'definitions',
          why: `${tools}: approved by you, who run this, for this run alone; Sallyport asks in its window`,
        }
      : {
          level: 'failed',
          what: 'definitions',
          why: `${tools}: they look hostile, so nothing of this server is tested`,
          mend: 'do not wrap it, or read each line above and ask who makes it',
        };
  return [...noticeChecks(findings), ...found, sum];
}

/** Honest servers have them too, and many: one line a kind. */
function noticeChecks(findings: Admission['findings']): Check[] {
  const notices = findings.filter(({ weight }) => weight === 'notice');
  return [...new Set(notices.map(({ say }) => say))].map((say) => {
    const tools = notices.filter((each) => each.say === say).map(({ tool }) => plain(tool, 64));
    return { level: 'warning', what: 'notice', why: `${say} (${[...new Set(tools)].join(', ')})` };
  });
}

/** It said something else while it was tested. */
export function changedChecks(newest: Admission | undefined): readonly Check[] {
  if (newest === undefined || newest.state === 'same' || newest.state === 'harmless') return [];
  const places = newest.difference.map(
    ({ tool = 'the server', what, at }) => `${plain(tool, 64)} ${what} ${plain(at)}`,
  );
  return [
    {
      level: 'failed',
      what: 'definitions',
      why: `it says something else of its tools by now (${newest.state}): ${places.slice(0, 5).join(', ')}`,
      mend: 'a server that does so is withdrawn each time: another version may do',
    },
  ];
}

export function toolsOf(manifest: WrappedManifest, { pin }: Admission): WrappedTools {
  const said = manifest.wrap.tools;
  const names = pin.tools.map(({ definition: { name } }) => name).filter((name) => !name.startsWith('offer-'));
  const isNamed = (name: string): boolean => Object.hasOwn(said, name);
  const offered: OfferedTool[] = [];
  const refused: Check[] = [];
  for (const { definition } of pin.tools.filter(({ definition: { name } }) => names.includes(name)))
    try {
      offered.push(wrappedTool(manifest, definition));
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      const { name } = definition;
      const mend = 'say in "wrap", "tools" what is missing, or do without this tool';
      const what = `tool ${plain(name, 64)}`;
      refused.push({ level: isNamed(name) ? 'failed' : 'warning', what, why: `not offered: ${error.message}`, mend });
    }
  const named = offered.filter(({ manifest: { name } }) => isNamed(name));
  return {
    offered,
    called: named.map(({ manifest: tool }) => ({ ...tool, examples: said[tool.name]?.examples ?? [] })),
    checks: [
      ...Object.keys(said)
        .filter((name) => !name.startsWith('prompts/') && !names.includes(name))
        .map((name) => unknownTool(name, names)),
      ...refused,
      ...named.flatMap(labelChecks),
      ...restCheck(offered.filter(({ manifest: { name } }) => !isNamed(name))),
    ],
  };
}

function unknownTool(name: string, names: readonly string[]): Check {
  const why = `the server has no tool of this name: ${names.map((each) => plain(each, 64)).join(', ')}`;
  return { level: 'failed', what: `tool ${name}`, why, mend: 'write the server’s own name for it' };
}

function labelChecks({ manifest: { name, operation, classification }, receives }: OfferedTool): Check[] {
  const isFlowing = operation !== 'read' && isAbove(classification, receives);
  return [
    { level: 'ok', what: `tool ${name}`, why: `${operation}, its result ${classification}, receives ${receives}` },
    ...(isFlowing
      ? [
          {
            level: 'warning' as const,
            what: `flow ${name}`,
            why: `its result is ${classification}, and where it writes receives ${receives}: after one call the next is flow_not_allowed`,
            mend: 'say "receives" in "wrap", "tools", or lower the "classification" of what it answers',
          },
        ]
      : []),
  ];
}

function restCheck(rest: readonly OfferedTool[]): Check[] {
  if (rest.length === 0) return [];
  const names = rest.map(({ manifest: { name, operation } }) => `${plain(name, 64)} (${operation})`).join(', ');
  return [
    {
      level: 'warning',
      what: 'tools',
      why: `the manifest says nothing of ${names}: their results are sensitive, and what writes is asked about each time`,
      mend: 'name in "wrap", "tools" those that are wanted, with "operation" and "classification"; policy can forbid the others',
    },
  ];
}
