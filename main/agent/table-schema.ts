/** The output schema of a tool whose result comes in rows, as agents see it: what the connector declares and what the gateway adds. */

type Schema = Readonly<Record<string, unknown>>;

const count = { type: 'integer', minimum: 0 };
const text = { type: 'string' };

const summary = {
  type: 'object',
  description: 'Exact, over all rows. Only where rows does not hold them all.',
  properties: {
    rows: count,
    columns: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          name: text,
          nulls: { ...count, description: 'Absent where none is null, and of a redacted column.' },
          distinct: count,
          distinctOver: { ...count, description: 'There are more different values than these.' },
          min: { type: ['string', 'number'] },
          max: { type: ['string', 'number'] },
          top: {
            type: 'array',
            description: 'The most frequent values, each with how often.',
            items: { type: 'array' },
          },
        },
        required: ['name'],
      },
    },
  },
  required: ['rows', 'columns'],
};

const reference = {
  type: 'object',
  description: 'All rows, for a while: resources/read of uri gives them page by page.',
  properties: { uri: text, rows: count, expiresAt: text },
  required: ['uri', 'rows', 'expiresAt'],
};

const columns = {
  type: 'array',
  items: {
    type: 'object',
    properties: {
      name: text,
      type: text,
      redacted: { ...text, description: 'This program does not see the values as they are: mask, hash or generalize.' },
    },
    required: ['name', 'type'],
  },
};

export function shownTableSchema(declared: Schema): Schema {
  const own = declared['properties'] as Schema;
  return {
    ...declared,
    properties: {
      ...own,
      columns,
      rowCount: { ...count, description: 'All rows of the result. Where rows holds fewer, summary is about all.' },
      withheld: { type: 'array', description: 'Columns that this program does not get.', items: text },
      summary,
      reference,
    },
    required: [...(declared['required'] as readonly string[]), 'rowCount'],
  };
}
