/** PostgreSQL's text format as JSON. Exact: what a number cannot hold stays text; nothing is rounded or reordered. */
import pg from 'pg';

/** OIDs are fixed in PostgreSQL's catalog (pg_type.dat). */
const names: Readonly<Record<number, string>> = {
  16: 'boolean',
  17: 'bytea',
  18: 'char',
  19: 'name',
  20: 'bigint',
  21: 'smallint',
  23: 'integer',
  25: 'text',
  26: 'oid',
  114: 'json',
  650: 'cidr',
  700: 'real',
  701: 'double precision',
  705: 'text',
  790: 'money',
  829: 'macaddr',
  869: 'inet',
  1042: 'character',
  1043: 'character varying',
  1082: 'date',
  1083: 'time',
  1114: 'timestamp',
  1184: 'timestamp with time zone',
  1186: 'interval',
  1266: 'time with time zone',
  1560: 'bit',
  1700: 'numeric',
  2249: 'record',
  2950: 'uuid',
  3614: 'tsvector',
  3802: 'jsonb',
  3904: 'int4range',
  3908: 'tsrange',
  3910: 'tstzrange',
  3912: 'daterange',
  3926: 'int8range',
};

/** Array type → element type. */
const elements: Readonly<Record<number, number>> = {
  199: 114,
  1000: 16,
  1001: 17,
  1003: 19,
  1005: 21,
  1007: 23,
  1009: 25,
  1014: 1042,
  1015: 1043,
  1016: 20,
  1021: 700,
  1022: 701,
  1115: 1114,
  1182: 1082,
  1183: 1083,
  1185: 1184,
  1187: 1186,
  1231: 1700,
  2951: 2950,
  3807: 3802,
};

/** As pg-types exports it; its declaration calls it a function. */
const arrays = pg.types.arrayParser as unknown as {
  create(text: string, convert: (item: string | null) => unknown): { parse(): unknown };
};

/** Longer texts and documents are cut, and the result says so. */
export const maxValueLength = 16_384;

export interface Converted {
  readonly value: unknown;
  readonly cut: boolean;
}

export function typeName(oid: number): string {
  const element = elements[oid];
  return element === undefined ? (names[oid] ?? 'other') : `${names[element] ?? 'other'}[]`;
}

export function toJson(oid: number, text: string | null): Converted {
  if (text === null) return { value: null, cut: false };
  if (oid === 17) return whole({ bytes: Math.max(0, (text.length - 2) / 2) });
  if (text.length > maxValueLength) return cutTo(text);
  const element = elements[oid];
  if (element === undefined) return whole(scalar(oid, text));
  return whole(arrays.create(text, (item) => toJson(element, item).value).parse());
}

const whole = (value: unknown): Converted => ({ value, cut: false });

function cutTo(text: string): Converted {
  const kept = text.slice(0, maxValueLength).toWellFormed();
  return { value: `${kept} [cut: ${text.length} characters]`, cut: true };
}

function scalar(oid: number, text: string): unknown {
  switch (oid) {
    case 16:
      return text === 't';
    case 20:
    case 21:
    case 23:
    case 26:
    case 700:
    case 701:
    case 1700:
      return exactNumber(text);
    case 114:
    case 3802:
      return parsed(text);
    case 1114:
      return text.replace(' ', 'T');
    case 1184:
      // The session's time zone is UTC.
      return text.replace(' ', 'T').replace(/\+00$/, 'Z');
    default:
      return text;
  }
}

/** 1.50 becomes 1.5: the same number. 12345678901234567890 stays text, and so do NaN and Infinity. */
function exactNumber(text: string): number | string {
  const number = Number(text);
  if (!Number.isFinite(number)) return text;
  const plain = text.includes('e') ? text : text.replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '');
  return String(number) === plain || (text.includes('e') && number !== 0) ? number : text;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
