import { describe, expect, it } from 'vitest';
import { createToolRegistry } from '../../connectors/tool-registry.ts';
import { openApiConnector, type OpenApiConnector } from './connector.ts';
import { openApiOf } from './document.ts';

type Loose = Record<string, unknown>;
const text = { type: 'string' };
const json = (schema: unknown, more: Loose = {}) => ({ content: { 'application/json': { schema, ...more } } });
const thing = { type: 'object', properties: { id: { type: 'integer' }, inner: { type: 'array', items: text } } };

interface Parts {
  readonly operation?: Loose;
  readonly method?: string;
  readonly at?: string;
  readonly schemas?: Loose;
  readonly root?: Loose;
}

function documentOf({ operation = {}, method = 'get', at = '/things', schemas = {}, root = {} }: Parts) {
  return openApiOf({
    openapi: '3.1.0',
    info: { title: 'Things' },
    servers: [{ url: 'https://api.example.com/v1/' }],
    paths: { [at]: { [method]: { operationId: 'doIt', responses: { 200: json(thing) }, ...operation } } },
    components: { schemas },
    ...root,
  });
}

const choice = { name: 'things', operations: ['doIt'], allReads: false, host: undefined };
const make = (parts: Parts): OpenApiConnector => openApiConnector(documentOf(parts), choice);
const toolOf = (parts: Parts) => {
  const { manifest, operations, report, recording } = make(parts);
  const [tool] = manifest.tools;
  if (tool === undefined) throw new Error('no tool');
  return { tool, operation: operations[tool.name], report, recording, api: manifest.destinations['api'] };
};
const inputOf = (parameter: Loose) => {
  const { tool, report } = toolOf({ operation: { parameters: [{ name: 'p', in: 'query', ...parameter }] } });
  return { schema: (tool.inputSchema['properties'] as Loose)['p'], report };
};
const bodyOf = (schema: unknown, schemas: Loose = {}) => {
  const operation = { requestBody: { required: true, ...json(schema) } };
  const { tool } = toolOf({ method: 'post', operation, schemas });
  return (tool.inputSchema['properties'] as Loose)['body'];
};
const outputOf = (schema: unknown, schemas: Loose = {}) =>
  toolOf({ operation: { responses: { 200: json(schema) } }, schemas }).tool;
const refusalOf = (parts: Parts): string => {
  const second = { get: { operationId: 'other', responses: { 200: json(thing) } } };
  const document = documentOf(parts);
  const paths = { ...(document.root['paths'] as Loose), '/other': second };
  const { report } = openApiConnector(openApiOf({ ...document.root, paths }), {
    ...choice,
    operations: ['doIt', 'other'],
  });
  return report.find((line) => line.startsWith('refused')) ?? 'not refused';
};

describe('what becomes a tool', () => {
  it('is what was chosen, by name or by method and path', () => {
    const document = documentOf({});
    const by = (operations: string[], allReads = false) =>
      openApiConnector(document, { ...choice, operations, allReads }).manifest.tools.map(({ name }) => name);
    expect([by(['doIt']), by(['get /things']), by([], true)]).toEqual([['do_it'], ['do_it'], ['do_it']]);
    expect(() => by([])).toThrow('--all-reads; it has: doIt');
    expect(() => by(['nothing'])).toThrow('no operation "nothing"; it has: doIt');
  });

  it('may be asked exactly as it is, on its host', () => {
    const id = { name: 'thing id', in: 'path', required: true, schema: text };
    const { api, operation, tool } = toolOf({ at: '/things/{thing id}', operation: { parameters: [id] } });
    expect(api).toMatchObject({
      protocol: 'https',
      authentication: 'bearer',
      hosts: ['api.example.com'],
      allow: [{ methods: ['GET'], path: '/v1/things/{thing_id}', exact: true }],
    });
    expect(operation).toMatchObject({
      path: '/v1/things/{thing id}',
      parameters: [{ argument: 'thing_id', name: 'thing id' }],
    });
    expect(tool).toMatchObject({ resource: '/thing_id', operation: 'read', inputSchema: { required: ['thing_id'] } });
  });

  it('changes by its method, or as it is annotated', () => {
    expect(toolOf({ method: 'delete' }).tool.operation).toBe('write');
    expect(toolOf({ method: 'post', operation: { 'x-sallyport-operation': 'read' } }).tool.operation).toBe('read');
  });

  it('signs in with a key where that is all there is', () => {
    const securitySchemes = { key: { type: 'apiKey', in: 'header', name: 'X-Key' } };
    const { api } = toolOf({ root: { components: { securitySchemes } } });
    expect(api).toMatchObject({ authentication: 'api-key', header: 'x-key' });
  });

  it('has text without hidden characters', () => {
    const { tool } = toolOf({ operation: { summary: 'Read\u202e it\u200b.', description: 'Line\n\u0007two' } });
    expect([tool.title, tool.description]).toEqual(['Read it .', 'Read it . Line two.']);
  });

  it('needs a host', () => {
    const root = { servers: [{ url: '/v1' }] };
    expect(() => make({ root })).toThrow('--host');
    const { manifest } = openApiConnector(documentOf({ root }), { ...choice, host: 'api.example.com' });
    expect(manifest.destinations['api']).toMatchObject({ hosts: ['api.example.com'], allow: [{ path: '/v1/things' }] });
  });

  it.each<[string, Parts, string]>([
    [
      'a body of a form',
      { method: 'post', operation: { requestBody: { required: true, content: { 'multipart/form-data': {} } } } },
      'multipart/form-data, not JSON',
    ],
    [
      'an answer that is no JSON',
      { operation: { responses: { 200: { content: { 'text/csv': {} } } } } },
      'text/csv, not JSON',
    ],
    [
      'a cookie that is needed',
      { operation: { parameters: [{ name: 'c', in: 'cookie', required: true, schema: text }] } },
      'cookies are not sent',
    ],
    [
      'a style of matrices',
      { at: '/a/{p}', operation: { parameters: [{ name: 'p', in: 'path', style: 'matrix', schema: text }] } },
      'style is "matrix"',
    ],
    ['a server of its own', { operation: { servers: [{ url: 'https://other.example' }] } }, 'server of its own'],
    [
      'two names in a segment',
      {
        at: '/a/{p}.{q}',
        operation: { parameters: ['p', 'q'].map((name) => ({ name, in: 'path', required: true, schema: text })) },
      },
      'cannot be a rule',
    ],
    [
      'somebody to act as',
      { operation: { parameters: [{ name: 'sudo', in: 'query', required: true, schema: text }] } },
      'who acts',
    ],
    [
      'a header that egress keeps',
      { operation: { parameters: [{ name: 'X-Forwarded-For', in: 'header', required: true, schema: text }] } },
      'egress does not send',
    ],
    [
      'anything as its body',
      { method: 'post', operation: { requestBody: { required: true, ...json({ type: 'object' }) } } },
      'members nobody declared',
    ],
    ['anything as its answer', { operation: { responses: { 200: json({}) } } }, 'does not say what its value is'],
    ['a label that is none', { operation: { 'x-sallyport-classification': 'secret' } }, 'cannot be "secret"'],
    [
      'a schema in itself',
      {
        schemas: { A: { allOf: [{ $ref: '#/components/schemas/A' }] } },
        operation: { responses: { 200: json({ $ref: '#/components/schemas/A' }) } },
      },
      'contains itself',
    ],
    [
      'a choice of itself',
      {
        schemas: { A: { type: 'object', oneOf: [{ $ref: '#/components/schemas/A' }] } },
        operation: { responses: { 200: json({ $ref: '#/components/schemas/A' }) } },
      },
      'contains itself',
    ],
    [
      'a reference to nothing',
      { operation: { responses: { 200: json({ $ref: '#/components/schemas/B' }) } } },
      'leads nowhere',
    ],
  ])('is not %s: refused, and the rest goes on', (_, parts, why) => {
    expect(refusalOf(parts)).toContain(why);
  });
});

it('is never fetched a part of', () => {
  const reference = { $ref: 'https://evil.example/schema.json' };
  expect(refusalOf({ operation: { responses: { 200: json(reference) } } })).toContain('never fetched');
  expect(refusalOf({ operation: { responses: { 200: json({ $ref: 'file:///etc/passwd' }) } } })).toContain(
    'never fetched',
  );
});

describe('an input', () => {
  it.each<[string, Loose, Loose]>([
    [
      'bounds',
      { schema: { type: 'integer', minimum: 1, maximum: 5, default: 2 } },
      { type: 'integer', minimum: 1, maximum: 5, default: 2 },
    ],
    ['choices', { schema: { enum: ['a', 'b'] } }, { enum: ['a', 'b'] }],
    ['a format that is known', { schema: { type: 'string', format: 'date' } }, { type: 'string', format: 'date' }],
    ['no format that is not', { schema: { type: 'string', format: 'phone' } }, { type: 'string' }],
    ['a simple pattern', { schema: { type: 'string', pattern: '^[a-z]+$' } }, { type: 'string', pattern: '^[a-z]+$' }],
    ['no pattern that could take long', { schema: { type: 'string', pattern: '^(a+)+$' } }, { type: 'string' }],
    ['its description', { description: 'A  name', schema: text }, { type: 'string', description: 'A name' }],
    ['null or something', { schema: { oneOf: [text, { type: 'null' }] } }, { type: ['string', 'null'] }],
    ['parameters as JSON', json({ type: 'array', items: text }), { type: 'array', items: { type: 'string' } }],
  ])('keeps %s', (_, parameter, wanted) => {
    expect(inputOf(parameter).schema).toEqual(wanted);
  });

  it('has names that clients take, each once', () => {
    const named = (name: string, place: string) => ({ name, in: place, schema: text, required: true });
    const parameters = [
      named('$filter', 'query'),
      named('filter', 'query'),
      named('filter', 'header'),
      named('body', 'query'),
    ];
    const { tool, operation } = toolOf({ operation: { parameters } });
    expect(tool.inputSchema['required']).toEqual(['filter', 'filter_2', 'filter_3', 'body_2']);
    expect(operation?.parameters.map(({ name }) => name)).toEqual(['$filter', 'filter', 'filter', 'body']);
  });

  it('marks what is named like an identity, and leaves out who acts', () => {
    const { schema, report } = inputOf({ name: 'p', schema: text });
    expect([schema, report.length]).toEqual([text, 1]);
    const parameters = ['user', 'impersonate', 'access_token'].map((name) => ({ name, in: 'query', schema: text }));
    const { tool, report: said } = toolOf({ operation: { parameters } });
    expect(tool.inputSchema['properties']).toEqual({ user: { type: 'string', 'x-sallyport-identity': 'data' } });
    expect(said.join()).toMatch(
      /"user" is named like an identity.*"impersonate" is left out.*"access_token" is left out/,
    );
  });

  it('of a body is closed, without what only the service writes', () => {
    const schema = {
      type: 'object',
      required: ['id', 'name'],
      properties: {
        id: { type: 'integer', readOnly: true },
        name: text,
        more: { type: 'object' },
        tags: { type: 'array', items: text },
      },
      additionalProperties: true,
    };
    expect(bodyOf(schema)).toEqual({
      type: 'object',
      properties: { name: text, tags: { type: 'array', items: text } },
      required: ['name'],
      additionalProperties: false,
    });
  });

  it('joins allOf, follows references and circles', () => {
    const schemas = {
      Base: { type: 'object', required: ['a'], properties: { a: text } },
      Tree: {
        allOf: [
          { $ref: '#/components/schemas/Base' },
          { properties: { child: { $ref: '#/components/schemas/Tree' } } },
        ],
      },
    };
    const { tool } = toolOf({
      method: 'post',
      operation: { requestBody: { required: true, ...json({ $ref: '#/components/schemas/Tree' }) } },
      schemas,
    });
    expect((tool.inputSchema['properties'] as Loose)['body']).toEqual({ $ref: '#/$defs/Tree' });
    expect(tool.inputSchema['$defs']).toEqual({
      Tree: {
        type: 'object',
        properties: { a: text, child: { $ref: '#/$defs/Tree' } },
        required: ['a'],
        additionalProperties: false,
      },
    });
    expect(tool.examples[0]?.arguments).toEqual({ body: { a: 'example' } });
  });
});

describe('an output', () => {
  it('is closed, and sensitive where nobody labelled it', () => {
    const { tool, report } = toolOf({
      operation: { responses: { 200: json({ ...thing, additionalProperties: true }) } },
    });
    expect(tool).toMatchObject({ classification: 'sensitive', outputSchema: { additionalProperties: false } });
    expect(report[0]).toContain('sensitive (2 of 2 fields have no label)');
  });

  it('has the labels of its document, the tool the highest', () => {
    const labelled = (label: string) => ({ type: 'array', items: { ...text, 'x-sallyport-classification': label } });
    const low = outputOf({ type: 'object', properties: { a: labelled('public'), b: labelled('internal') } });
    expect([low.classification, low.outputSchema['x-classification']]).toEqual(['internal', 'internal']);
    const operation = {
      'x-sallyport-classification': 'public',
      responses: {
        200: json({ type: 'object', properties: { a: labelled('sensitive'), b: { type: 'array', items: text } } }),
      },
    };
    const { tool } = toolOf({ operation });
    expect([tool.classification, tool.outputSchema['x-classification']]).toEqual(['sensitive', 'public']);
  });

  it('may be null as OData says it, and takes the highest label of what it joins', () => {
    const schemas = {
      Body: { type: 'object', properties: { text } },
      Base: { type: 'object', 'x-sallyport-classification': 'public', properties: { a: text } },
    };
    const body = { anyOf: [{ $ref: '#/components/schemas/Body' }, { type: ['object', 'null'] }] };
    const joined = [{ $ref: '#/components/schemas/Base' }, { properties: { body } }];
    const { outputSchema, classification } = outputOf(
      { 'x-sallyport-classification': 'internal', allOf: joined },
      schemas,
    );
    expect((outputSchema['properties'] as Loose)['body']).toEqual({
      anyOf: [{ $ref: '#/$defs/Body' }, { type: 'null' }],
    });
    expect(classification).toBe('internal');
  });

  it('leaves out what cannot be declared', () => {
    const schema = {
      type: 'object',
      required: ['a', 'free'],
      properties: { a: { type: 'array', items: text }, free: {} },
    };
    expect(outputOf(schema).outputSchema).toMatchObject({ properties: { a: {} }, required: ['a'] });
  });

  it('of flat lists is rows, each column with its label', () => {
    const item = {
      type: 'object',
      properties: {
        id: { type: 'integer', 'x-sallyport-classification': 'public' },
        mail: { ...text, 'x-sallyport-classification': 'sensitive', 'x-sallyport-redaction': 'generalize' },
      },
    };
    const { tool, operation } = toolOf({ operation: { responses: { 200: json({ type: 'array', items: item }) } } });
    expect(tool).toMatchObject({ result: 'rows', classification: 'sensitive' });
    expect(tool.columns).toEqual({
      'do_it.id': 'public',
      'do_it.mail': { classification: 'sensitive', redaction: 'generalize' },
    });
    expect(operation).toMatchObject({ answers: 'rows', items: '', pages: { by: 'link' } });
  });

  it('of other lists is items', () => {
    const { tool, operation } = toolOf({ operation: { responses: { 200: json({ type: 'array', items: thing }) } } });
    expect([tool.result, Object.keys(tool.outputSchema['properties'] as Loose)]).toEqual([
      undefined,
      ['items', 'truncated'],
    ]);
    expect([operation?.answers, Object.keys(tool.inputSchema['properties'] as Loose)]).toEqual(['list', ['maxItems']]);
  });

  it('pages as OData says, or an annotation', () => {
    const odata = { type: 'object', properties: { value: { type: 'array', items: thing }, '@odata.nextLink': text } };
    expect(toolOf({ operation: { responses: { 200: json(odata) } } }).operation).toMatchObject({
      items: '/value',
      pages: { by: 'url', next: '/@odata.nextLink' },
    });
    const pages = { by: 'cursor', items: '/data/list', next: '/data/next', parameter: 'after' };
    const inner = { type: 'object', properties: { list: { type: 'array', items: thing } } };
    const { tool, operation } = toolOf({
      operation: {
        'x-sallyport-pagination': pages,
        parameters: [{ name: 'after', in: 'query', schema: text }],
        responses: { 200: json({ type: 'object', properties: { data: inner } }) },
      },
    });
    expect(operation).toMatchObject({
      items: '/data/list',
      pages: { by: 'cursor', next: '/data/next', parameter: 'after' },
    });
    expect(Object.keys(tool.inputSchema['properties'] as Loose)).toEqual(['maxItems']);
  });

  it('without a body is that it was done', () => {
    const { tool, recording } = toolOf({
      method: 'delete',
      operation: { responses: { 204: { description: 'Done' } } },
    });
    expect(tool).toMatchObject({ classification: 'public', outputSchema: { required: ['done'] } });
    expect(recording.requests).toEqual([{ method: 'DELETE', path: '/v1/things', answers: { status: 204 } }]);
  });

  it('has its entity tag, and may be what was there before', () => {
    const headers = { ETag: { schema: text } };
    const parameters = [{ name: 'If-None-Match', in: 'header', schema: text }];
    const { tool, operation } = toolOf({ operation: { parameters, responses: { 200: { ...json(thing), headers } } } });
    expect(tool.outputSchema).toMatchObject({ properties: { etag: {}, notModified: { const: true } }, required: [] });
    expect(operation?.etag).toBe(true);
  });
});

it('what it makes loads, with an example that fits, whatever the document', () => {
  const nullable = { anyOf: [{ type: 'null' }, { $ref: '#/components/schemas/A' }] };
  const schemas = {
    A: {
      type: 'object',
      properties: { b: { $ref: '#/components/schemas/B' }, choice: { oneOf: [text, thing] } },
      required: ['b'],
    },
    B: { type: 'object', properties: { a: nullable, map: { type: 'object', additionalProperties: thing } } },
  };
  const operation = { responses: { 200: json({ $ref: '#/components/schemas/A' }) } };
  const { manifest } = make({ operation, schemas });
  const [offered] = createToolRegistry([manifest]).all;
  expect(offered?.checkOutput({ b: { a: { b: {} }, map: { x: { id: 1 } } }, choice: 'x' })).toBeNull();
  expect(offered?.checkOutput({ b: { a: { b: { c: 1 } } } })).not.toBeNull();
  expect(offered?.checkArguments(manifest.tools[0]?.examples[0]?.arguments ?? {})).toBeNull();
});
