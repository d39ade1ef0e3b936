/** What the lab's processes say to each other, and to whoever starts the lab. */
import { z } from 'zod';

export const clientId = 'sallyport-desktop';
export const issuerScope = 'issue:postgres';
/** The audience of access tokens for the issuer: a name, so that it does not change with the port. */
export const issuerAudience = 'urn:sallyport:lab:issuer';
/** What a person's token is exchanged for. */
export const apiAudience = 'urn:sallyport:lab:api';
export const apiScope = 'read:api';
export const apiWriteScope = 'write:api';
/** `acr` of a sign-in with a one-time code; the issuer asks it of administrators. */
export const strongSignIn = 'urn:sallyport:lab:mfa';
/** Where the provider's security events are polled. */
export const eventsPath = '/events';
/** Of the lab's S3. */
export const labBucket = 'lab';
export const labRegion = 'eu-central-1';
/** What people of the lab may assume at its STS. */
export const labRoleArn = 'arn:aws:iam::000000000000:role/lab/reader';

const pem = z.string().startsWith('-----BEGIN ');
const identity = z.strictObject({ certificate: pem, key: pem });

export const personSchema = z.strictObject({
  name: z.string(),
  subject: z.string(),
  displayName: z.string(),
  email: z.string(),
  roles: z.array(z.string()),
  groups: z.array(z.string()),
  region: z.string(),
  password: z.string(),
  /** Base32: the person also has to give a one-time code (RFC 6238). */
  totpSecret: z.string().optional(),
  disabled: z.boolean(),
});
export type Person = z.infer<typeof personSchema>;

export const identityProviderHello = z.strictObject({
  identity,
  people: z.array(personSchema),
  /** Where the login page says that the passwords are. */
  peopleFile: z.string(),
  needles: z.string().optional(),
});
export type IdentityProviderHello = z.infer<typeof identityProviderHello>;

export const issuerHello = z.strictObject({
  identity,
  authority: pem,
  provider: z.url(),
  database: z.strictObject({ port: z.int(), password: z.string() }),
  /** What its STS seals session tokens with. */
  sessionKey: z.base64(),
  needles: z.string().optional(),
});
export type IssuerHello = z.infer<typeof issuerHello>;

export const apiHello = z.strictObject({ identity, authority: pem, provider: z.url() });
export type ApiHello = z.infer<typeof apiHello>;
export const storageHello = z.strictObject({
  identity,
  sessionKey: z.base64(),
});
export type StorageHello = z.infer<typeof storageHello>;

/** A started server. */
export const listeningSchema = z.strictObject({ url: z.url() });

/** Commands on the lab's stdin, one JSON object a line, each answered by one line. Only whoever started the lab has it. */
export const commandSchema = z.union([
  z.strictObject({ disable: z.string() }),
  z.strictObject({ enable: z.string() }),
  /** The person's sessions and grants end; the account stays. */
  z.strictObject({ revoke: z.string() }),
  /** The provider serves sign-ins and tokens to these networks only. */
  z.strictObject({ networks: z.array(z.string()).max(20) }),
  /** The provider answers 503. */
  z.strictObject({ outage: z.boolean() }),
  /** The issuer takes no token of this person that was issued before now. */
  z.strictObject({ challenge: z.string() }),
  /** How long credentials issued from now on live, seconds. */
  z.strictObject({ credentialSeconds: z.int().min(1).max(3600) }),
]);
export type Command = z.infer<typeof commandSchema>;

export const answerSchema = z.union([
  z.strictObject({ done: z.literal(true) }),
  z.strictObject({ refused: z.string() }),
]);
export type Answer = z.infer<typeof answerSchema>;
