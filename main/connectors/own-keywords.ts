/** The keywords that are ours in an input schema: `x-sallyport-text` checks, `x-sallyport-identity` is read at load alone. */
import type { Ajv2020 } from 'ajv/dist/2020.js';
import type { DataValidateFunction } from 'ajv/dist/types/index.js';
import { wrongText, type TextKind } from '../contract/plain-name.ts';
import { identityKeyword } from './identity-like.ts';

/** Beside a text that names something: `"name"` or `"path"`. */
export const textKeyword = 'x-sallyport-text';

type Schema = Readonly<Record<string, unknown>>;

export function addOwnKeywords(ajv: Ajv2020): void {
  ajv.addKeyword({ keyword: identityKeyword, schemaType: 'string', metaSchema: { const: 'data' } });
  ajv.addKeyword({
    keyword: textKeyword,
    type: 'string',
    schemaType: 'string',
    metaSchema: { enum: ['name', 'path'] },
    errors: true,
    compile(kind: TextKind) {
      const validate: DataValidateFunction = (text: string): boolean => {
        const message = wrongText(kind, text);
        if (message !== null) validate.errors = [{ keyword: textKeyword, message, params: {} }];
        return message === null;
      };
      return validate;
    },
  });
}

export function withoutOwnKeywords(schema: Schema): Schema {
  return strip(schema) as Schema;
}

function strip(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(strip);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([key]) => key !== textKeyword && key !== identityKeyword);
  return Object.fromEntries(kept.map(([key, child]) => [key, strip(child)]));
}
