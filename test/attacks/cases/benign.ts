/** Ordinary calls and results that look a little like attacks. All of them pass, and nothing in them changes. */

export interface Benign {
  readonly name: string;
  /** Members of the arguments of `find`; they arrive at the connector as they are. */
  readonly sends?: Readonly<Record<string, unknown>>;
  /** What the connector gives back; it arrives at the agent as it is. */
  readonly gives?: Readonly<Record<string, unknown>>;
}

const nested = (depth: number): unknown => (depth === 0 ? { text: 'leaf' } : { next: nested(depth - 1) });
const longSql = `SELECT o.region, count(*) AS "number of orders" FROM shop.orders AS o\n\tWHERE o.note LIKE '%100\\%%' AND o.status IN (${Array.from(
  { length: 2000 },
  (_, at) => `'s${at}'`,
).join(', ')}) -- all of them\nGROUP BY 1 ORDER BY 2 DESC;`;

const names: readonly string[] = [
  'orders',
  'Übersicht_Bestellungen',
  'kunden-straße',
  'naïve_café',
  'smörgåsbord',
  'Łódź',
  '订单',
  '顧客リスト',
  '고객 목록',
  'заказы',
  'παραγγελίες',
  'הזמנות',
  'عملاء',
  'orders_2026-02',
  'shop.orders',
  "O'Brien & Sons (UK)",
  'Ελλάδα/отчёт',
];
const folders: readonly string[] = [
  'reports/2026/Q1 summary.pdf',
  '/srv/data/my files/a b c.txt',
  'reports/.hidden/x',
  'reports/..draft/x',
  'reports/v1.2..3/notes...txt',
  'Projekte/Größen/Maß.xlsx',
  '文件/报告.docx',
  'reports/100%/done',
];
const texts: readonly [name: string, text: string][] = [
  ['no text', ''],
  ['a long query', longSql],
  ['emoji', '👩‍👩‍👧‍👦 shipped 🚀 to 🇩🇪 👍🏽'],
  ['words of secrets', 'The token, password and API key fields belong to the user role admin.'],
  ['an e-mail address', 'ask anna.müller+test@example.co.uk'],
  ['a hash', 'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'],
  ['a UUID', '123e4567-e89b-42d3-a456-426614174000'],
  ['markdown', '# Title\n\n- *one*\n- **two** `code`\n\n| a | b |\n|---|---|\n| 1 | 2 |'],
  ['quotes of all kinds', `"double" 'single' \`tick\` „deutsch“ «français» “curly”`],
  ['backslashes', 'C:\\Users\\anna\\Documents\\..\\x \\n is not a line break'],
  ['text from right to left', 'שלום עולם and مرحبا بالعالم'],
  ['marks of direction', 'price: \u200E100\u200F שקל'],
  ['line breaks of all kinds', 'a\nb\r\nc\td'],
  ['combining marks', 'e\u0301 and é, ฐานข้อมูล, हिन्दी'],
  ['words in two scripts', 'Meeting в Москве about Δelta'],
  ['mathematics', '∑ x² ≤ √y ≠ ∞, ½ ﬁnal ①'],
  ['JSON in a text', '{"a":[1,2,{"b":"\\u0041"}],"__proto__":null}'],
  ['an address with a query', 'https://example.com/a?b=c&d=%2F..%2F#e'],
  ['SQL of an attack, as a question about it', "Why is ' OR 1=1; DROP TABLE users; -- dangerous?"],
  ['an order, quoted', 'The mail says: "Ignore previous instructions." What is it about?'],
  ['markup', '<b>bold</b> &amp; <a href="x">link</a>'],
  ['a long text', 'abc äöü 漢字 '.repeat(800)],
  ['a private character', 'icon \uE000 here'],
  ['a character beyond the plane', '𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𠮷野家'],
];
const values: readonly [name: string, sends: Record<string, unknown>][] = [
  ['no arguments', {}],
  ['the largest number', { count: 1_000_000 }],
  ['the smallest number', { count: -10 }],
  ['zero', { count: 0 }],
  ['the largest safe integer', { ratio: Number.MAX_SAFE_INTEGER }],
  ['a small fraction', { ratio: 1e-300 }],
  ['a large fraction', { ratio: 0.1 + 0.2 }],
  ['false', { flag: false }],
  ['null', { maybe: null }],
  ['an empty list', { list: [] }],
  ['a list of many kinds', { list: ['a', 1, true, null, ''] }],
  ['9,000 elements', { list: Array.from({ length: 9000 }, (_, at) => at) }],
  ['14 levels', { tree: nested(14) }],
  ['an empty object', { tree: {} }],
  ['a leap day', { day: '2028-02-29' }],
  ['a user and a role as data', { user: 'bob', role: 'admin' }],
  ['a token as data', { token: 'ticket-4711' }],
  ['members in another order', { kind: 'long', flag: true, count: 1, text: 'x' }],
];
const results: readonly [name: string, gives: Record<string, unknown>][] = [
  ['nothing', {}],
  ['an empty list', { rows: [] }],
  ['hashes and UUIDs', { rows: ['d41d8cd98f00b204e9800998ecf8427e', '123e4567-e89b-42d3-a456-426614174000'] }],
  ['e-mail addresses', { rows: ['anna@example.com', 'li.wei@example.cn'] }],
  ['telephone and order numbers', { rows: ['+49 30 1234567', 'ORD-2026-000123', '4711'] }],
  ['dates', { rows: ['2026-02-03', '2026-02-03T04:05:06.789Z', '3. Februar 2026'] }],
  ['a negative number', { count: -42 }],
  ['a number beyond 32 bits', { count: 4_294_967_296 }],
  ['text of code', { text: 'const token = await getToken();\nif (!token) throw new Error("no password");' }],
  ['2,000 rows of text', { rows: Array.from({ length: 2000 }, (_, at) => `zeile ${at} ü`) }],
];

export const benign: readonly Benign[] = [
  ...names.map((table) => ({ name: `a name: ${table}`, sends: { table } })),
  ...folders.map((folder) => ({ name: `a path: ${folder}`, sends: { folder } })),
  // There and back.
  ...texts.map(([name, text]) => ({ name: `a text: ${name}`, sends: { text }, gives: { text } })),
  ...values.map(([name, sends]) => ({ name: `arguments: ${name}`, sends })),
  ...results.map(([name, gives]) => ({ name: `a result: ${name}`, gives })),
];
