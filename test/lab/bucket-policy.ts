/** Who may do what at the lab's S3: policies in IAM's JSON, as far as the lab needs them. What it does not know permits nothing. */
import { z } from 'zod';
import { labBucket } from './contract.ts';

const oneOrMore = z.union([z.string(), z.array(z.string())]).transform((given) => [given].flat());
const statementSchema = z.strictObject({
  Sid: z.string().optional(),
  Effect: z.enum(['Allow', 'Deny']),
  Action: oneOrMore,
  Resource: oneOrMore,
  Condition: z.strictObject({ StringLike: z.record(z.string(), oneOrMore) }).optional(),
});
const policySchema = z.strictObject({
  Version: z.literal('2012-10-17'),
  Statement: z.union([statementSchema, z.array(statementSchema)]).transform((given) => [given].flat()),
});
type Policy = z.output<typeof policySchema>;

export interface Asked {
  readonly action: 's3:GetObject' | 's3:ListBucket';
  readonly resource: string;
  /** `s3:prefix` and `s3:delimiter`, of a list. */
  readonly conditions: Readonly<Record<string, string>>;
}

/** By what the provider calls the person. Alice and carol also read what is shared; bob has his own alone. */
const prefixes: Readonly<Record<string, readonly string[]>> = {
  alice: ['people/alice/', 'shared/'],
  bob: ['people/bob/'],
  carol: ['people/carol/', 'shared/'],
};

/** A session policy only narrows. */
export function isPermitted(username: string, sessionPolicy: string | undefined, asked: Asked): boolean {
  const bucket = bucketPolicyOf(username);
  const session = sessionPolicy === undefined ? undefined : parsed(sessionPolicy);
  return permits(bucket, asked) && (sessionPolicy === undefined || (session !== undefined && permits(session, asked)));
}

function bucketPolicyOf(username: string): Policy {
  const own = Object.hasOwn(prefixes, username) ? (prefixes[username] ?? []) : [];
  const arn = `arn:aws:s3:::${labBucket}`;
  const list = { Effect: 'Allow', Action: 's3:ListBucket', Resource: arn };
  return policySchema.parse({
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Action: 's3:GetObject', Resource: own.map((prefix) => `${arn}/${prefix}*`) },
      { ...list, Condition: { StringLike: { 's3:prefix': own.map((prefix) => `${prefix}*`) } } },
      // What is at the top is known to everybody who has anything.
      ...(own.length === 0 ? [] : [{ ...list, Condition: { StringLike: { 's3:prefix': '', 's3:delimiter': '/' } } }]),
    ],
  });
}

function parsed(text: string): Policy | undefined {
  try {
    return policySchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function permits({ Statement }: Policy, asked: Asked): boolean {
  const holding = Statement.filter(
    ({ Action, Resource, Condition }) =>
      Action.some((pattern) => isLike(pattern, asked.action)) &&
      Resource.some((pattern) => isLike(pattern, asked.resource)) &&
      Object.entries(Condition?.StringLike ?? {}).every(([name, patterns]) =>
        patterns.some((pattern) => isLike(pattern, asked.conditions[name])),
      ),
  );
  return holding.length > 0 && holding.every(({ Effect }) => Effect === 'Allow');
}

function isLike(pattern: string, text: string | undefined): boolean {
  const form = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return text !== undefined && new RegExp(`^${form}$`, 's').test(text);
}
