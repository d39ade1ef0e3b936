/** What the official conformance scenarios call by name, declared as any connector declares it. It never ships. */
import type { ConnectorManifest, ToolManifest } from '../../main/contract/manifest.ts';

type Schema = Readonly<Record<string, unknown>>;

const text = { type: 'string' } as const;
const object = (properties: Schema, required: readonly string[] = Object.keys(properties)): Schema => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
});
const kind = (name: string): Schema => ({ const: name });
const embedded = object({ uri: text, mimeType: text, text, blob: text }, ['uri']);
/** MCP content blocks, as far as the scenarios use them. */
const block: Schema = {
  anyOf: [
    object({ type: kind('text'), text }),
    object({ type: kind('image'), data: text, mimeType: text }),
    object({ type: kind('audio'), data: text, mimeType: text }),
    object({ type: kind('resource'), resource: embedded }),
  ],
};
const list = (items: Schema): Schema => ({ type: 'array', items });
const content = object({ content: list(block) });
const noArguments = object({});

function tool(name: string, more: Partial<ToolManifest> = {}): ToolManifest {
  return {
    name,
    title: name,
    description: `For the conformance scenario that calls ${name}.`,
    operation: 'read',
    classification: 'public',
    inputSchema: noArguments,
    outputSchema: content,
    result: 'content',
    destinations: [],
    limits: { timeoutMs: 20_000, maxBackendBytes: 1024, maxResultBytes: 1_000_000 },
    examples: [],
    ...more,
  };
}

/** Each keyword that `json-schema-2020-12` looks for in `tools/list`; closed, as every schema here must be. */
const fullVocabulary: Schema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $defs: { address: { $anchor: 'address', ...object({ street: text, city: text }, []) } },
  ...object(
    { contact: { enum: ['phone', 'email'] }, phone: text, email: text, address: { $ref: '#/$defs/address' } },
    [],
  ),
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { contact: { const: 'phone' } }, required: ['contact'] },
  then: { required: ['phone'] },
  else: { required: ['email'] },
};

const resources = object({ contents: list(embedded) });
const messages = object({ messages: list(object({ role: { enum: ['user', 'assistant'] }, content: block })) });

export const manifest: ConnectorManifest = {
  name: 'conformance',
  version: '1.0.0',
  title: 'Conformance',
  description: 'What the official conformance scenarios call by name.',
  unprefixed: true,
  destinations: {},
  tools: [
    ...['test_simple_text', 'test_image_content', 'test_audio_content', 'test_embedded_resource'].map((name) =>
      tool(name),
    ),
    ...['test_multiple_content_types', 'test_tool_with_logging', 'test_tool_with_progress', 'test_error_handling'].map(
      (name) => tool(name),
    ),
    ...['test_logging_tool', 'test_trigger_tool_change', 'test_trigger_prompt_change'].map((name) => tool(name)),
    tool('json_schema_2020_12_tool', { inputSchema: fullVocabulary }),
    tool('test_reconnection'),
    tool('test_sampling', { inputSchema: object({ prompt: text }), asks: ['sampling'] }),
    tool('test_elicitation', { inputSchema: object({ message: text }), asks: ['elicitation'] }),
    tool('test_elicitation_sep1034_defaults', { asks: ['elicitation'] }),
    tool('test_elicitation_sep1330_enums', { asks: ['elicitation'] }),
    tool('test_missing_capability', { asks: ['sampling'] }),
    tool('test_streaming_elicitation', { asks: ['elicitation'] }),
    tool('test_input_required_result_elicitation', { asks: ['elicitation'] }),
    tool('test_input_required_result_sampling', { asks: ['sampling'] }),
    tool('test_input_required_result_list_roots', { asks: ['roots'] }),
    tool('test_input_required_result_request_state', { asks: ['elicitation'] }),
    tool('test_input_required_result_multiple_inputs', { asks: ['elicitation', 'sampling', 'roots'] }),
    tool('test_input_required_result_multi_round', { asks: ['elicitation'] }),
    tool('test_input_required_result_tampered_state', { asks: ['elicitation'] }),
    tool('test_input_required_result_capabilities', { asks: ['elicitation', 'sampling'] }),
    tool('read_static', { offer: 'resource', inputSchema: object({ uri: text }), outputSchema: resources }),
    tool('read_template', { offer: 'resource', inputSchema: object({ uri: text, id: text }), outputSchema: resources }),
    tool('prompt_simple', { offer: 'prompt', outputSchema: messages }),
    tool('prompt_arguments', {
      offer: 'prompt',
      inputSchema: object({ arg1: text, arg2: text }),
      outputSchema: messages,
    }),
    tool('prompt_embedded', { offer: 'prompt', inputSchema: object({ resourceUri: text }), outputSchema: messages }),
    tool('prompt_image', { offer: 'prompt', outputSchema: messages }),
    tool('prompt_input', { offer: 'prompt', outputSchema: messages, asks: ['elicitation'] }),
    tool('complete', {
      offer: 'completion',
      inputSchema: object({ prompt: text, uri: text, name: text, value: text }, ['name', 'value']),
      outputSchema: object({
        completion: object({ values: list(text), total: { type: 'integer' }, hasMore: { type: 'boolean' } }),
      }),
    }),
  ],
  resources: [
    {
      uri: 'test://static-text',
      name: 'Static text',
      description: 'A text.',
      mimeType: 'text/plain',
      tool: 'read_static',
    },
    {
      uri: 'test://static-binary',
      name: 'Static binary',
      description: 'A picture.',
      mimeType: 'image/png',
      tool: 'read_static',
    },
    {
      uri: 'test://watched-resource',
      name: 'Watched',
      description: 'One that changes.',
      mimeType: 'text/plain',
      tool: 'read_static',
    },
    {
      uriTemplate: 'test://template/{id}/data',
      name: 'Template',
      description: 'One for each id.',
      mimeType: 'application/json',
      tool: 'read_template',
    },
  ],
  prompts: [
    { name: 'test_simple_prompt', description: 'Without arguments.', tool: 'prompt_simple' },
    {
      name: 'test_prompt_with_arguments',
      description: 'With two arguments.',
      arguments: [
        { name: 'arg1', description: 'The first.', required: true },
        { name: 'arg2', description: 'The second.', required: true },
      ],
      tool: 'prompt_arguments',
    },
    {
      name: 'test_prompt_with_embedded_resource',
      description: 'With a resource in it.',
      arguments: [{ name: 'resourceUri', description: 'Its address.', required: true }],
      tool: 'prompt_embedded',
    },
    { name: 'test_prompt_with_image', description: 'With a picture in it.', tool: 'prompt_image' },
    { name: 'test_input_required_result_prompt', description: 'Asks first.', tool: 'prompt_input' },
  ],
  completion: 'complete',
};
