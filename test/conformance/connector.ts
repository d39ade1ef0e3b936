/** The conformance connector's code: what each scenario wants to see, written with the SDK as any connector is. */
import { ask, defineConnector, refuse, type Call, type Questions, type Tool } from '../../connector-host/sdk/sdk.ts';

/** One red pixel. */
const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';
/** No sound at all. */
const wav = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA=';

const say = (text: string) => ({ content: [{ type: 'text', text }] });
const always =
  (value: unknown): Tool =>
  () =>
    Promise.resolve(value);
const image = { type: 'image', data: png, mimeType: 'image/png' };
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));
const answerText = (answer: unknown): string => JSON.stringify(answer);

const form = (message: string, properties: Record<string, unknown>): Questions[string] => ({
  kind: 'elicitation',
  params: { message, requestedSchema: { type: 'object', properties, required: Object.keys(properties) } },
});
const optionalForm = (message: string, properties: Record<string, unknown>): Questions[string] => ({
  kind: 'elicitation',
  params: { message, requestedSchema: { type: 'object', properties } },
});
const sample = (text: string): Questions[string] => ({
  kind: 'sampling',
  params: { messages: [{ role: 'user', content: { type: 'text', text } }], maxTokens: 100 },
});
const name = { name: { type: 'string' } };
const roots: Questions[string] = { kind: 'roots', params: {} };

/** Asks once, then says what came back. */
const asking =
  (questions: (call: Call) => Questions, then: (call: Call) => unknown, state?: string): Tool =>
  (call) =>
    Promise.resolve(Object.keys(call.answers).length === 0 ? ask(questions(call), state) : then(call));

const completed = ({ answers }: Call): unknown => {
  const { action, content } = (answers['form'] ?? {}) as { action?: string; content?: unknown };
  return say(`Elicitation completed: action=${String(action)}, content=${answerText(content ?? {})}`);
};

const contents: Record<string, Record<string, string>> = {
  'test://static-text': { mimeType: 'text/plain', text: 'This is the content of the static text resource.' },
  'test://static-binary': { mimeType: 'image/png', blob: png },
  'test://watched-resource': { mimeType: 'text/plain', text: 'Watched.' },
};
const user = (content: unknown) => ({ role: 'user', content });
const words = (text: string) => user({ type: 'text', text });

const multiRound: Tool = ({ state, answers }) => {
  if (state === undefined) return Promise.resolve(ask({ step1: form('Step 1: What is your name?', name) }, 'one'));
  if (state === 'one')
    return Promise.resolve(
      ask({ step2: form('Step 2: What is your favorite color?', { color: { type: 'string' } }) }, 'two'),
    );
  return Promise.resolve(say(`All steps are done: ${answerText(answers)}`));
};

const supported: Tool = ({ client, answers }) => {
  if (Object.keys(answers).length > 0) return Promise.resolve(say('Asked what could be asked.'));
  const questions = {
    ...(client.includes('sampling') ? { sample: sample('Say hello.') } : {}),
    ...(client.includes('elicitation') ? { form: form('What is your name?', name) } : {}),
  };
  return Promise.resolve(ask(questions));
};

export const connector = defineConnector({
  tools: {
    test_simple_text: always(say('This is a simple text response for testing.')),
    test_image_content: always({ content: [image] }),
    test_audio_content: always({ content: [{ type: 'audio', data: wav, mimeType: 'audio/wav' }] }),
    test_embedded_resource: always({
      content: [
        {
          type: 'resource',
          resource: {
            uri: 'test://embedded-resource',
            mimeType: 'text/plain',
            text: 'This is an embedded resource content.',
          },
        },
      ],
    }),
    test_multiple_content_types: always({
      content: [
        { type: 'text', text: 'Multiple content types test:' },
        image,
        {
          type: 'resource',
          resource: {
            uri: 'test://mixed-content-resource',
            mimeType: 'application/json',
            text: '{"test":"data","value":123}',
          },
        },
      ],
    }),
    test_tool_with_logging: async (call) => {
      call.message('info', 'Tool execution started');
      await pause();
      call.message('info', 'Tool processing data');
      await pause();
      call.message('info', 'Tool execution completed');
      return say('Three messages were sent.');
    },
    test_logging_tool: (call) => {
      call.message('info', 'Only for who asked.');
      return Promise.resolve(say('Logged.'));
    },
    test_tool_with_progress: async (call) => {
      for (const done of [0, 50, 100]) {
        call.progress(done, 100, `${done} of 100`);
        await pause();
      }
      return say('Progress was told.');
    },
    test_error_handling: () => refuse('invalid_arguments', 'This tool intentionally returns an error for testing'),
    test_trigger_tool_change: always(say('The tools of a manifest do not change while it is loaded.')),
    test_trigger_prompt_change: always(say('The prompts of a manifest do not change while it is loaded.')),
    json_schema_2020_12_tool: always(say('The arguments fit the schema.')),
    // Longer than the scenario reads its first stream (10 s), shorter than it reads the one that it comes back on (5 s more).
    test_reconnection: async () => {
      await new Promise((resolve) => setTimeout(resolve, 12_000));
      return say('The client came back for this.');
    },
    test_sampling: asking(
      ({ arguments: { prompt } }) => ({ answer: sample(String(prompt)) }),
      ({ answers }) => {
        const { content } = answers['answer'] as { content: { text?: string } };
        return say(`LLM response: ${content.text ?? ''}`);
      },
    ),
    test_elicitation: asking(
      ({ arguments: { message } }) => ({
        form: form(String(message), {
          username: { type: 'string', description: "User's response" },
          email: { type: 'string', description: "User's email address" },
        }),
      }),
      ({ answers }) => say(`User response: ${answerText(answers['form'])}`),
    ),
    test_elicitation_sep1034_defaults: asking(
      () => ({
        form: optionalForm('Please check these values.', {
          name: { type: 'string', default: 'John Doe' },
          age: { type: 'integer', default: 30 },
          score: { type: 'number', default: 95.5 },
          status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
          verified: { type: 'boolean', default: true },
        }),
      }),
      completed,
    ),
    test_elicitation_sep1330_enums: asking(
      () => ({
        form: optionalForm('Please choose.', {
          untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
          titledSingle: {
            type: 'string',
            oneOf: [
              { const: 'value1', title: 'First Option' },
              { const: 'value2', title: 'Second Option' },
              { const: 'value3', title: 'Third Option' },
            ],
          },
          legacyEnum: {
            type: 'string',
            enum: ['opt1', 'opt2', 'opt3'],
            enumNames: ['Option One', 'Option Two', 'Option Three'],
          },
          untitledMulti: { type: 'array', items: { type: 'string', enum: ['option1', 'option2', 'option3'] } },
          titledMulti: {
            type: 'array',
            items: {
              anyOf: [
                { const: 'value1', title: 'First Choice' },
                { const: 'value2', title: 'Second Choice' },
                { const: 'value3', title: 'Third Choice' },
              ],
            },
          },
        }),
      }),
      completed,
    ),
    test_missing_capability: asking(
      () => ({ answer: sample('Say hello.') }),
      () => say('The client can be asked.'),
    ),
    test_streaming_elicitation: asking(
      () => ({ form: form('What is your name?', name) }),
      () => say('Thank you.'),
    ),
    test_input_required_result_elicitation: asking(
      () => ({ user_name: form('What is your name?', name) }),
      ({ answers }) => {
        const { content } = answers['user_name'] as { content?: { name?: string } };
        return say(`Hello, ${content?.name ?? 'stranger'}!`);
      },
    ),
    test_input_required_result_sampling: asking(
      () => ({ capital_question: sample('What is the capital of France?') }),
      ({ answers }) => say(answerText(answers['capital_question'])),
    ),
    test_input_required_result_list_roots: asking(
      () => ({ client_roots: roots }),
      ({ answers }) => say(answerText(answers['client_roots'])),
    ),
    test_input_required_result_request_state: asking(
      () => ({ confirm: form('Please confirm', { ok: { type: 'boolean' } }) }),
      ({ state }) => say(state === 'the state' ? 'state-ok' : 'state-wrong'),
      'the state',
    ),
    test_input_required_result_multiple_inputs: asking(
      () => ({
        user_name: form('What is your name?', name),
        greeting: sample('Generate a greeting'),
        client_roots: roots,
      }),
      () => say('Everything was answered.'),
      'many',
    ),
    test_input_required_result_multi_round: multiRound,
    test_input_required_result_tampered_state: asking(
      () => ({ confirm: form('Please confirm', { ok: { type: 'boolean' } }) }),
      () => say('Confirmed.'),
      'sealed',
    ),
    test_input_required_result_capabilities: supported,
    read_static: ({ arguments: { uri } }) => Promise.resolve({ contents: [{ uri, ...contents[String(uri)] }] }),
    read_template: ({ arguments: { uri, id } }) =>
      Promise.resolve({
        contents: [
          {
            uri,
            mimeType: 'application/json',
            text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${String(id)}` }),
          },
        ],
      }),
    prompt_simple: always({ messages: [words('This is a simple prompt for testing.')] }),
    prompt_arguments: ({ arguments: { arg1, arg2 } }) =>
      Promise.resolve({
        messages: [words(`Prompt with arguments: arg1='${String(arg1)}', arg2='${String(arg2)}'`)],
      }),
    prompt_embedded: ({ arguments: { resourceUri } }) =>
      Promise.resolve({
        messages: [
          user({
            type: 'resource',
            resource: { uri: resourceUri, mimeType: 'text/plain', text: 'Embedded resource content for testing.' },
          }),
          words('Please process the embedded resource above.'),
        ],
      }),
    prompt_image: always({ messages: [user(image), words('Please analyze the image above.')] }),
    prompt_input: asking(
      () => ({ user_context: form('What context should the prompt use?', { context: { type: 'string' } }) }),
      ({ answers }) => ({ messages: [words(answerText(answers['user_context']))] }),
    ),
    complete: ({ arguments: { value } }) => {
      const values = ['paris', 'park', 'party'].filter((each) => each.startsWith(String(value)));
      return Promise.resolve({ completion: { values, total: values.length, hasMore: false } });
    },
  },
});
