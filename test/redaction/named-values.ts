/** Credentials that only their name gives away: their form alone is that of any digest or identifier. */
import { namedValues } from './kind.ts';
import type { Random } from './random.ts';
import { alphabets } from './random.ts';

const words = [
  'Winter',
  'Berlin',
  'Dragon',
  'Summer',
  'kaffee',
  'Sonne',
  'Orange',
  'tiger',
  'Hafen',
  'monsoon',
  'Pilot',
];
const marks = '!@#$%^*()-_=+?.~';

/** What a person would choose. */
export function chosenPassword(random: Random): string {
  return random.pick([
    () => `${random.pick(words)}${random.between(1970, 2027)}${random.chars('!?#$*', random.between(1, 2))}`,
    () => `${random.pick(words)}-${random.pick(words)}-${random.between(10, 99)}${random.chars(alphabets.lower, 4)}`,
    () => `${random.pick(['P@ssw0rd', 'S3cr3t', 'Pa55wort', 'Adm1n'])}${random.chars('!#_', 1)}${random.digits(4)}`,
    () => `${random.chars(alphabets.lower, 6)}${random.digits(3)}${random.pick(words)}`,
  ])();
}

/** What a password manager or a secret store makes. */
export function madePassword(random: Random): string {
  const length = random.between(12, 28);
  return random.pick([
    () => random.base62(length),
    () => random.base62(3) + random.chars(alphabets.base62 + marks, length) + random.base62(1),
    () => random.base62(length),
    () => random.chars(alphabets.lowerAndDigits, 6) + '-' + random.base62(6) + '-' + random.base62(6),
  ])();
}

export const password = (random: Random): string => (random.chance(0.4) ? chosenPassword : madePassword)(random);

const opaque = (random: Random): string =>
  random.pick([
    () => random.base62(random.between(24, 48)),
    () => random.hex(random.pick([32, 40, 64])),
    () => random.bytes(random.between(18, 36)).toString('base64url'),
    () => random.base64(random.pick([24, 32, 48])),
  ])();

export const vendorValues = namedValues({
  'AWS secret access key': [
    ['aws secret access key', 'secret access key', 'aws secret key'],
    (random) => random.chars(alphabets.base64, 40),
  ],
  'AWS session token': [
    ['aws session token', 'session token'],
    (random) => `IQoJb3JpZ2luX2Vj${random.base64(random.pick([240, 300, 360]))}`,
  ],
  'Azure storage key': [['azure storage key', 'storage account key', 'account key'], (random) => random.base64(64)],
  'Azure DevOps legacy token': [
    ['azure devops pat', 'azure devops ext pat', 'vsts token'],
    (random) => random.chars(alphabets.lower + '234567', 52),
  ],
  'Twilio auth token': [['twilio auth token'], (random) => random.hex(32)],
  'Cloudflare token': [['cloudflare api token', 'cf api token'], (random) => random.word(40)],
  'Cloudflare global key': [['cloudflare api key', 'cf api key'], (random) => random.hex(37)],
  'Datadog API key': [['dd api key', 'datadog api key'], (random) => random.hex(32)],
  'Datadog application key': [['dd app key', 'datadog app key'], (random) => random.hex(40)],
  'New Relic licence key': [['new relic license key'], (random) => `${random.hex(36)}NRAL`],
  'Heroku legacy key': [['heroku api key'], (random) => random.uuid()],
  'Snyk token': [['snyk token'], (random) => random.uuid()],
  'Okta token': [['okta api token', 'okta token'], (random) => `00${random.word(40)}`],
  'Mailgun signing key': [['mailgun webhook signing key', 'mailgun signing key'], (random) => random.hex(32)],
  'Discord client secret': [['discord client secret'], (random) => random.word(32)],
  'Facebook app secret': [['facebook app secret', 'fb app secret'], (random) => random.hex(32)],
  'Twitter consumer secret': [['twitter consumer secret', 'consumer secret'], (random) => random.base62(50)],
});

export const genericValues = namedValues({
  password: [['password', 'db password', 'user password', 'admin password', 'smtp password', 'pg password'], password],
  'password, short name': [['passwd', 'pwd', 'db pwd', 'pass', 'db pass', 'redis pass'], password],
  'password, German name': [['passwort', 'kennwort', 'db passwort', 'benutzer passwort'], password],
  passphrase: [['passphrase', 'key passphrase', 'ssh passphrase'], chosenPassword],
  secret: [['secret', 'app secret', 'jwt secret', 'session secret', 'cookie secret'], opaque],
  'client secret': [['client secret', 'oauth client secret', 'oidc client secret'], opaque],
  'API key': [['api key', 'x api key', 'service api key', 'maps api key'], opaque],
  'access token': [['access token', 'auth token', 'api token', 'oauth token', 'bot token'], opaque],
  'refresh token': [['refresh token', 'oauth refresh token'], opaque],
  'signing key': [
    ['signing key', 'secret key base', 'secret key', 'hmac key', 'webhook secret'],
    (random) => random.hex(64),
  ],
  'encryption key': [
    ['encryption key', 'data encryption key', 'master key', 'private key'],
    (random) => random.base64(32),
  ],
});
