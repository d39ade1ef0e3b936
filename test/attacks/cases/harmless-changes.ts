/** What an honest server changes: it is shown, and its tools go on being served as they were approved. */
import type { DefinitionState, ToolDefinition } from '../../../main/contract/definitions.ts';
import { described, notes, properties, search, withInput, withProperty } from './definition.ts';

export interface HarmlessChange {
  readonly name: string;
  readonly becomes: readonly ToolDefinition[];
  /** `same`: nothing that is pinned is different. */
  readonly state: DefinitionState;
}

const said = notes.description ?? '';
type Row = readonly [name: string, becomes: readonly ToolDefinition[], state?: DefinitionState];
const instead = (changed: ToolDefinition): readonly ToolDefinition[] => [changed, search];

const rows: readonly Row[] = [
  ['a blank at the end', instead(described(`${said} `))],
  ['a text over two lines', instead(described(said.replace('. The', '.\nThe')))],
  ['no full stop', instead(described(said.replace(/\.$/, '')))],
  ['a comma', instead(described(said.replace(', and', ' and')))],
  ['capital letters', instead({ ...notes, title: 'Add a Note' })],
  ['quotes of another form', instead(withProperty('text', { description: '“What the note says”' }))],
  ['a hyphen', instead(withProperty('notebook', { description: 'Name - of the notebook' }))],
  ['a shorter text', instead(withProperty('text', { maxLength: 1000 }))],
  ['a limit where there was none', instead(withProperty('text', { minLength: 1 }))],
  ['a narrower range', instead(withProperty('lines', { minimum: 2, maximum: 50 }))],
  ['a value less', instead(withProperty('kind', { enum: ['memo', 'task'] }))],
  ['values in another order', instead(withProperty('kind', { enum: ['task', 'memo', 'link'] }))],
  ['required in another order', instead(withInput({ required: ['text', 'notebook'] }))],
  ['tools in another order', [search, notes], 'same'],
  [
    'members in another order',
    instead({
      ...notes,
      inputSchema: withInput({ properties: Object.fromEntries(Object.entries(properties).reverse()) }).inputSchema,
    }),
    'same',
  ],
];

export const harmlessChanges: readonly HarmlessChange[] = rows.map(([name, becomes, state = 'harmless']) => ({
  name,
  becomes,
  state,
}));
