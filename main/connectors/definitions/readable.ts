/** Definitions as a person reads them: every part that can reach a model, on lines that no text in it can imitate. */
import type { DefinitionPin } from '../../contract/definitions.ts';
import { withEscapes } from '../../contract/plain.ts';
import { shownLine } from './shown-text.ts';

const noEnd = Number.MAX_SAFE_INTEGER;

export function readable({ server, tools }: DefinitionPin): string {
  const head = [`Server ${server.name}`, ...server.args.map((each) => `  argument: ${shownLine(each, noEnd)}`)];
  const text = [head.join('\n'), ...tools.map(({ definition }) => toolText(definition))].join('\n\n');
  return text.replaceAll(longLine, (line) => (line.match(pieces) ?? []).join('\n    · '));
}

/** Broken here, and marked: broken by the window, its rest could look like a line of ours. */
const longLine = /^.{97,}$/gmu;
const pieces = /.{1,90}/gu;

function toolText(definition: DefinitionPin['tools'][number]['definition']): string {
  const { name, title, description, annotations, inputSchema, outputSchema } = definition;
  return [
    `Tool ${shownLine(name, noEnd)}`,
    ...(title === undefined ? [] : [`  title: ${shownLine(title, noEnd)}`]),
    ...(description === undefined ? [] : ['  says:', ...quoted(description)]),
    ...(annotations === undefined ? [] : [`  hints: ${json(annotations)}`]),
    '  takes:',
    ...json(inputSchema, 2).split('\n').map(margin),
    ...(outputSchema === undefined ? [] : ['  gives:', ...json(outputSchema, 2).split('\n').map(margin)]),
  ].join('\n');
}

/** Its own lines stay lines; each begins with our sign. */
function quoted(text: string): string[] {
  return text.split('\n').map((line) => margin(shownLine(line, noEnd)));
}

function margin(line: string): string {
  return `    | ${line}`;
}

function json(value: unknown, indent?: number): string {
  return withEscapes(JSON.stringify(value, null, indent));
}
