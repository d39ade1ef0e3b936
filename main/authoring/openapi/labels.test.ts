import { expect, it } from 'vitest';
import { openApiConnector } from './connector.ts';
import { openApiOf } from './document.ts';

type Loose = Record<string, unknown>;
const text = { type: 'string' };
const json = (schema: unknown) => ({ content: { 'application/json': { schema } } });

function toolOf({ operation, schemas }: { readonly operation: Loose; readonly schemas: Loose }) {
  const document = openApiOf({
    openapi: '3.1.0',
    info: { title: 'Things' },
    servers: [{ url: 'https://api.example.com/v1/' }],
    paths: { '/things': { get: { operationId: 'doIt', ...operation } } },
    components: { schemas },
  });
  const choice = { name: 'things', operations: ['doIt'], allReads: false, host: undefined };
  const [tool] = openApiConnector(document, choice).manifest.tools;
  if (tool === undefined) throw new Error('no tool');
  return { tool };
}

it('has the label that stands above a list, beside a reference, or on either side of one place: the higher', () => {
  const sensitive = { 'x-sallyport-classification': 'sensitive' };
  const internal = { 'x-sallyport-classification': 'internal' };
  const flat = { type: 'object', properties: { name: text } };
  const list = { type: 'array', items: flat };
  const schemas = {
    Flat: flat,
    Low: { ...flat, ...internal },
    Secret: { ...text, ...sensitive },
    List: list,
    Alias: { $ref: '#/components/schemas/List', ...sensitive },
  };
  const ofRows = (schema: unknown, paging?: Loose) => {
    const { tool } = toolOf({
      operation: {
        ...internal,
        ...(paging && { 'x-sallyport-pagination': paging }),
        responses: { 200: json(schema) },
      },
      schemas,
    });
    return [tool.classification, Object.values(tool.columns ?? {})];
  };
  const offset = { by: 'offset', parameter: 'skip', items: '/data' };
  expect(ofRows({ ...list, ...sensitive })).toEqual(['sensitive', ['sensitive']]);
  expect(ofRows({ $ref: '#/components/schemas/List', ...sensitive })).toEqual(['sensitive', ['sensitive']]);
  expect(ofRows({ $ref: '#/components/schemas/Alias' })).toEqual(['sensitive', ['sensitive']]);
  expect(ofRows({ type: 'array', items: { $ref: '#/components/schemas/Low', ...sensitive } })).toEqual([
    'sensitive',
    ['sensitive'],
  ]);
  expect(ofRows({ type: 'object', ...sensitive, properties: { data: list } }, offset)).toEqual([
    'sensitive',
    ['sensitive'],
  ]);
  const ofMember = (member: unknown) =>
    toolOf({
      operation: {
        ...internal,
        responses: { 200: json({ type: 'object', properties: { inner: { type: 'array', items: text }, member } }) },
      },
      schemas,
    }).tool.classification;
  const secret = { $ref: '#/components/schemas/Secret' };
  expect(ofMember({ ...secret, ...internal })).toBe('sensitive');
  expect(ofMember({ ...internal, anyOf: [secret, { type: 'null' }] })).toBe('sensitive');
  expect(ofMember({ ...sensitive, anyOf: [{ ...text, ...internal }, { type: 'integer' }] })).toBe('sensitive');
  expect(ofMember({ allOf: [{ $ref: '#/components/schemas/Low', ...sensitive }] })).toBe('sensitive');
});
