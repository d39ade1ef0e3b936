/** An ordinary tool, to poison or to change. */
import type { ToolDefinition } from '../../../main/contract/definitions.ts';

export const notes: ToolDefinition = {
  name: 'add_note',
  title: 'Add a note',
  description: 'Adds a note to a notebook. The note is plain text, and the notebook must exist.',
  inputSchema: {
    type: 'object',
    properties: {
      notebook: { type: 'string', description: 'Name of the notebook', maxLength: 100 },
      text: { type: 'string', description: 'What the note says', maxLength: 2000 },
      kind: { type: 'string', enum: ['memo', 'task', 'link'], default: 'memo' },
      lines: { type: 'integer', minimum: 1, maximum: 100 },
    },
    required: ['notebook', 'text'],
    additionalProperties: false,
  },
  outputSchema: {
    type: 'object',
    properties: { id: { type: 'string', description: 'Identifier of the note' } },
    required: ['id'],
    additionalProperties: false,
  },
  annotations: { readOnlyHint: false, destructiveHint: false },
};

export const search: ToolDefinition = {
  name: 'search_notes',
  title: 'Search notes',
  description: 'Finds notes by words, the newest first.',
  inputSchema: {
    type: 'object',
    properties: { words: { type: 'string', description: 'What to look for' } },
    required: ['words'],
    additionalProperties: false,
  },
  annotations: { readOnlyHint: true },
};

export const described = (description: string): ToolDefinition => ({ ...notes, description });

/** One more parameter. */
export const taking = (name: string, schema: Readonly<Record<string, unknown>>): ToolDefinition => ({
  ...notes,
  inputSchema: { ...notes.inputSchema, properties: { ...properties, [name]: schema } },
});

export const properties = notes.inputSchema['properties'] as Readonly<Record<string, Record<string, unknown>>>;

/** A parameter of it, otherwise. */
export const withProperty = (name: string, more: Readonly<Record<string, unknown>>): ToolDefinition => ({
  ...notes,
  inputSchema: { ...notes.inputSchema, properties: { ...properties, [name]: { ...properties[name], ...more } } },
});

export const withInput = (more: Readonly<Record<string, unknown>>): ToolDefinition => ({
  ...notes,
  inputSchema: { ...notes.inputSchema, ...more },
});
