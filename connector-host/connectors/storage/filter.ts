/** Which records count. All conditions must hold; null holds none but `is_null`. */
import { refuse } from '../../sdk/sdk.ts';
import { compareValues } from './exact-number.ts';
import { placeIn, type Row, type Value } from './shape.ts';

export interface Condition {
  readonly column: string;
  readonly operator: '=' | '<>' | '<' | '<=' | '>' | '>=' | 'contains' | 'is_null' | 'is_not_null';
  readonly value?: string | number | boolean | undefined;
}

export type Keeps = (row: Row) => boolean;

export function filterOf(columns: readonly string[], conditions: readonly Condition[] = []): Keeps {
  const holds = conditions.map((condition) => {
    const at = placeIn(columns, condition.column);
    const test = testOf(condition);
    return (row: Row): boolean => test(row[at]);
  });
  return (row) => holds.every((each) => each(row));
}

function testOf({ operator, value }: Condition): (given: Value) => boolean {
  if (operator === 'is_null') return isNull;
  if (operator === 'is_not_null') return (given) => !isNull(given);
  if (value === undefined) refuse('invalid_arguments', `The operator ${operator} needs a value.`);
  const wanted = String(value);
  if (operator === 'contains') return (given) => !isNull(given) && textOf(given).includes(wanted);
  const isSo = order[operator];
  return (given) => !isNull(given) && isSo(compareValues(textOf(given), wanted));
}

const order: Readonly<Record<'=' | '<>' | '<' | '<=' | '>' | '>=', (order: number) => boolean>> = {
  '=': (order) => order === 0,
  '<>': (order) => order !== 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};

const isNull = (value: Value): boolean => value === null || value === undefined;

/** What is no text, number or truth is its JSON. */
export const textOf = (value: Value): string => (typeof value === 'string' ? value : JSON.stringify(value));
