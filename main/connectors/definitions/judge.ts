/**
 * What is visibly wrong with definitions. Guarantees: every text of every definition is looked at, in bounded time; what a
 * person could not see or would take for something else is a finding. Does not protect against: an instruction that no rule
 * knows. This detects no injection for certain and does not have to: a tool's harmlessness rests on the walls around its server
 * and on the approval; here stops what is visibly wrong, until the person has looked at it.
 */
import type { DefinitionFinding, ToolDefinition } from '../../contract/definitions.ts';
import { canonicalJson } from './canonical-json.ts';
import { hiddenCharacter, lookAlikeWord, wrongName } from './characters.ts';
import { formsOf, skeleton, wordsOf } from './folded-text.ts';
import { instructionRules, lineRules, nameRules, noticeRules, type InstructionRule } from './instruction-rules.ts';
import { schemaFindings, type Found } from './schema-findings.ts';
import { numbered, shownLine } from './shown-text.ts';
import { textsOf, type Place } from './texts.ts';

export interface JudgeOptions {
  /** As agents see them: tools that are not this server's. */
  readonly otherToolNames: readonly string[];
}

/** Beyond these a definition is not served, and cannot be approved. */
const sizeLimits = {
  tools: 500,
  nameCharacters: 64,
  titleCharacters: 200,
  descriptionCharacters: 4096,
  schemaCharacters: 32_768,
  /** Of any one text, and all texts of all tools. */
  textCharacters: 8192,
  places: 20_000,
} as const;
/** Of each weight: what is worth a notice takes no place from what is worse. */
const maxFindings = 100;
const nameForm = /^[A-Za-z0-9_-]{1,64}$/;

export function judge(tools: readonly ToolDefinition[], { otherToolNames }: JudgeOptions): DefinitionFinding[] {
  const foreign = foreignNames(otherToolNames, new Set(tools.map(({ name }) => name)));
  const kept = { quarantine: new Map<string, DefinitionFinding>(), notice: new Map<string, DefinitionFinding>() };
  const add = (tool: string, found: Found): void => {
    const made = finding(tool, found);
    // Once a place and code.
    const key = JSON.stringify([made.tool, made.code, made.at]);
    if (kept.quarantine.has(key) || kept[made.weight].size >= maxFindings) return;
    kept[made.weight].set(key, made);
  };
  if (tools.length > sizeLimits.tools)
    add('', { code: 'too_large', at: '', say: `There are more than ${sizeLimits.tools} tools.` });
  const seen = new Set<string>();
  let places = 0;
  for (const tool of tools) {
    for (const found of ofTool(tool, seen.has(tool.name))) add(tool.name, found);
    seen.add(tool.name);
    for (const place of textsOf(tool)) {
      places += 1;
      // What would take long to look at is not looked at, and not served.
      if (places > sizeLimits.places) break;
      for (const found of ofPlace(place, foreign)) add(tool.name, found);
    }
  }
  if (places > sizeLimits.places)
    add('', { code: 'too_large', at: '', say: `There are more than ${sizeLimits.places} texts.` });
  return [...kept.quarantine.values(), ...kept.notice.values()];
}

function* ofTool(tool: ToolDefinition, isTwice: boolean): Generator<Found> {
  const { name, title = '', description = '', annotations } = tool;
  if (isTwice) yield { code: 'bad_name', at: 'name', say: 'Two tools have this name.' };
  if (!nameForm.test(name))
    yield {
      code: 'bad_name',
      at: 'name',
      say: 'Its name is not made of at most 64 of letters, digits, "_" and "-".',
      text: name,
    };
  const tooLong = (at: string, most: number): Found => ({
    code: 'too_large',
    at,
    say: `It is longer than ${most} characters.`,
  });
  if (title.length > sizeLimits.titleCharacters) yield tooLong('title', sizeLimits.titleCharacters);
  if ((annotations?.title ?? '').length > sizeLimits.titleCharacters)
    yield tooLong('annotations.title', sizeLimits.titleCharacters);
  if (description.length > sizeLimits.descriptionCharacters)
    yield tooLong('description', sizeLimits.descriptionCharacters);
  for (const part of ['inputSchema', 'outputSchema'] as const) {
    const schema = tool[part];
    if (schema === undefined) continue;
    if (canonicalJson(schema).length > sizeLimits.schemaCharacters) yield tooLong(part, sizeLimits.schemaCharacters);
    yield* schemaFindings(schema, part);
  }
  if (
    annotations?.readOnlyHint === true &&
    /\b(?:delete|remove|drop|write|create|update|send|move|exec|execute|kill)\b/.test(wordsOf(name).toLowerCase())
  )
    yield {
      code: 'hint',
      at: 'annotations.readOnlyHint',
      say: 'It says that it only reads, and its name says more.',
      text: name,
      weight: 'notice',
    };
}

function* ofPlace({ at, text: whole, kind }: Place, foreign: ForeignNames): Generator<Found> {
  const text = whole.slice(0, sizeLimits.textCharacters);
  if (whole !== text) yield { code: 'too_large', at, say: `A text is longer than ${text.length} characters.` };
  const hidden = hiddenCharacter(text);
  if (hidden !== null)
    yield {
      code: 'hidden_characters',
      at,
      say: 'It has characters that you would not see.',
      text: around(text, hidden),
    };
  if (kind === 'name') {
    const wrong = hidden === null ? wrongName(text) : null;
    if (wrong !== null) yield { code: 'look_alike', at, say: `The name ${wrong}.`, text: numbered(text) };
    if (text.length > sizeLimits.nameCharacters) yield { code: 'too_large', at, say: 'The name is too long.', text };
    const words = wordsOf(text);
    if (at !== 'name') yield* matches(nameRules, { at, text: words });
    if (words !== text) yield* matches(instructionRules, { at, text: words });
  }
  const word = kind === 'prose' ? lookAlikeWord(text) : null;
  if (word !== null)
    yield { code: 'look_alike', at, say: 'A word has letters that only look like others.', text: numbered(word) };
  yield* foreignIn(at, text, foreign);
  yield* rawMatches(lineRules, { at, text });
  yield* matches(instructionRules, { at, text });
  yield* matches(noticeRules, { at, text });
}

function* matches(rules: readonly InstructionRule[], { at, text }: Pick<Place, 'at' | 'text'>): Generator<Found> {
  const forms = formsOf(text);
  for (const { code, weight, say, patterns } of rules) {
    for (const form of forms) {
      const match = patterns.map((pattern) => pattern.exec(form)).find((each) => each !== null);
      if (!match) continue;
      yield { code, weight, at, say, text: around(form, match.index, match[0].length) };
      break;
    }
  }
}

function* rawMatches(rules: readonly InstructionRule[], { at, text }: Pick<Place, 'at' | 'text'>): Generator<Found> {
  for (const { code, weight, say, patterns } of rules) {
    const match = patterns.map((pattern) => pattern.exec(text)).find((each) => each !== null);
    if (match) yield { code, weight, at, say, text: around(text, match.index, match[0].length) };
  }
}

interface ForeignNames {
  /** Of others, where they are no ordinary words: as written, by their lower case. */
  readonly mentioned: ReadonlyMap<string, string>;
  readonly skeletons: ReadonlyMap<string, string>;
}

function foreignNames(others: readonly string[], own: ReadonlySet<string>): ForeignNames {
  // `mail_send_message` may be mentioned by the name that its server gave it.
  const alone = others.map((name) => name.slice(name.indexOf('_') + 1)).filter((name) => /[_-]|[a-z][A-Z]/.test(name));
  const mentioned = [...others.filter((name) => /[_-]|[a-z][A-Z]/.test(name)), ...alone];
  return {
    mentioned: new Map(mentioned.filter((name) => !own.has(name)).map((name) => [name.toLowerCase(), name])),
    skeletons: new Map(others.map((name) => [skeleton(name), name])),
  };
}

function* foreignIn(at: string, text: string, { mentioned, skeletons }: ForeignNames): Generator<Found> {
  if (at === 'name') {
    const other = skeletons.get(skeleton(text));
    if (other !== undefined)
      yield { code: 'other_tool', at, say: `Its name is, or looks like, that of another tool: ${other}.`, text };
    return;
  }
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}_-]+/gu) ?? []) {
    const other = mentioned.get(word);
    if (other === undefined) continue;
    const say = `It speaks of a tool of another server: ${other}.`;
    yield { code: 'other_tool', at, say, text: around(text, text.toLowerCase().indexOf(word), word.length) };
    return;
  }
}

function around(text: string, at: number, length = 1): string {
  return text.slice(Math.max(0, at - 60), at + length + 60);
}

function finding(tool: string, { code, weight = 'quarantine', at, say, text = '' }: Found): DefinitionFinding {
  return {
    code,
    weight,
    tool: shownLine(tool, 200),
    at: shownLine(at, 400),
    say: shownLine(say, 400),
    excerpt: shownLine(text, 400),
  };
}
