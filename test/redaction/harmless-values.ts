/** Values that look random and are nobody's secret, each under the names it usually has. */
import type { Random } from './random.ts';
import { alphabets } from './random.ts';
import { compactInstant, date, host, instant, logHead, person, product, zone } from './surroundings.ts';

interface HarmlessValue {
  readonly names: readonly string[];
  readonly value: (random: Random) => string;
}

const ids = ['id', 'record_id', 'parent_id', 'ref', 'document', 'requestId'];
const digests = ['digest', 'checksum', 'sha256', 'content_hash', 'etag', 'fingerprint'];
const upperHex = (random: Random, length: number): string => random.hex(length).toUpperCase();
const groups = (random: Random, count: number, mark: string): string =>
  Array.from({ length: count }, () => random.hex(2)).join(mark);

/** As a code from a shop or a workshop: groups of capitals and digits. */
const productCode = (random: Random): string =>
  `${random.chars(alphabets.upper, 3)}-${random.number(4)}-${random.chars(alphabets.upperAndDigits, 5)}`;

const crockford = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

export const harmlessValues: Readonly<Record<string, HarmlessValue>> = {
  UUID: {
    names: [...ids, 'tenant_id', 'client_id', 'idempotency_key', 'key_id', 'correlation_id'],
    value: (random) => random.uuid(),
  },
  'UUID, upper case': { names: [...ids, 'RowGuid'], value: (random) => random.uuid().toUpperCase() },
  'UUID version 7': {
    names: ids,
    value: (random) => `019${random.hex(5)}-${random.hex(4)}-7${random.hex(3)}-a${random.hex(3)}-${random.hex(12)}`,
  },
  ULID: { names: ids, value: (random) => `01J${random.chars(crockford, 23)}` },
  nanoid: { names: [...ids, 'slug'], value: (random) => random.word(21) },
  KSUID: { names: ids, value: (random) => `2${random.base62(26)}` },
  'object id': { names: ['_id', ...ids], value: (random) => `6${random.hex(23)}` },
  'MD5 digest': { names: ['md5', 'etag', 'checksum', 'gravatar'], value: (random) => random.hex(32) },
  'SHA-1 digest': { names: ['sha1', 'commit', 'revision', 'blob', 'tree'], value: (random) => random.hex(40) },
  'SHA-256 digest': { names: digests, value: (random) => random.hex(64) },
  'SHA-512 digest': { names: ['sha512', 'checksum'], value: (random) => random.hex(128) },
  'image digest': { names: ['image', 'layer', 'digest'], value: (random) => `sha256:${random.hex(64)}` },
  'integrity hash': { names: ['integrity'], value: (random) => `sha512-${random.base64(64)}` },
  'integrity hash, SHA-384': { names: ['integrity'], value: (random) => `sha384-${random.base64(48)}` },
  'SSH fingerprint': {
    names: ['fingerprint', 'host key'],
    value: (random) => `SHA256:${random.base64(32).replaceAll('=', '')}`,
  },
  'certificate fingerprint': {
    names: ['fingerprint', 'thumbprint'],
    value: (random) => groups(random, 20, ':').toUpperCase(),
  },
  'certificate thumbprint': { names: ['thumbprint', 'x5t', 'serial'], value: (random) => upperHex(random, 40) },
  'commit, short': { names: ['commit', 'rev', 'version'], value: (random) => random.hex(random.between(7, 10)) },
  'entity tag': { names: ['ETag', 'If-None-Match'], value: (random) => `W/${random.hex(4)}-${random.base62(27)}` },
  'trace context': { names: ['traceparent', 'trace'], value: (random) => `00-${random.hex(32)}-${random.hex(16)}-01` },
  'span id': { names: ['span_id', 'trace_id'], value: (random) => random.hex(16) },
  'AWS trace': { names: ['X-Amzn-Trace-Id'], value: (random) => `Root=1-${random.hex(8)}-${random.hex(24)}` },
  ARN: {
    names: ['arn', 'role_arn', 'resource'],
    value: (random) => `arn:aws:iam::${random.number(12)}:role/${product(random)}-reader`,
  },
  'secret ARN': {
    names: ['secret_arn', 'secretArn'],
    value: (random) =>
      `arn:aws:secretsmanager:eu-central-1:${random.number(12)}:secret:${product(random)}-${random.base62(6)}`,
  },
  'AWS resource': {
    names: ['instance', 'volume', 'subnet'],
    value: (random) => `${random.pick(['i', 'vol', 'subnet', 'sg', 'ami'])}-0${random.hex(16)}`,
  },
  'Azure resource': {
    names: ['resource', 'scope'],
    value: (random) =>
      `/subscriptions/${random.uuid()}/resourceGroups/${product(random)}/providers/Microsoft.KeyVault/vaults/${product(random)}`,
  },
  'Stripe object': {
    names: ['customer', 'payment_intent', 'charge', 'price'],
    value: (random) => `${random.pick(['cus', 'pi', 'ch', 'price', 'in', 'sub'])}_${random.base62(24)}`,
  },
  'Slack object': {
    names: ['channel', 'user', 'team'],
    value: (random) => `${random.pick(['C', 'U', 'T', 'W'])}0${random.chars(alphabets.upperAndDigits, 9)}`,
  },
  'Twilio account': {
    names: ['account_sid', 'message_sid'],
    value: (random) => `${random.pick(['AC', 'SM', 'MM'])}${random.hex(32)}`,
  },
  'document address': {
    names: ['link', 'url'],
    value: (random) => `https://docs.google.com/document/d/1${random.word(43)}/edit`,
  },
  'video address': { names: ['link', 'url'], value: (random) => `https://www.youtube.com/watch?v=${random.word(11)}` },
  'object address': {
    names: ['url', 'source'],
    value: (random) => `https://${product(random)}.s3.eu-central-1.amazonaws.com/${date(random)}/${random.uuid()}.csv`,
  },
  'URL without a password': {
    names: ['url', 'remote', 'origin'],
    value: (random) =>
      `${random.pick(['https', 'ssh', 'postgres', 'amqp'])}://${person(random)}@${host(random)}/${product(random)}`,
  },
  'URL with a port': {
    names: ['url', 'endpoint', 'issuer'],
    value: (random) => `https://${host(random)}:${random.number(4)}/oauth2/token`,
  },
  'Git remote': {
    names: ['origin', 'repository'],
    value: (random) => `git@git.${zone(random)}:${person(random)}/${product(random)}.git`,
  },
  'JDBC URL without a password': {
    names: ['url', 'datasource'],
    value: (random) => `jdbc:postgresql://${host(random)}:5432/${product(random)}?ssl=true&user=${person(random)}`,
  },
  hostname: { names: ['host', 'server'], value: host },
  'long hostname': {
    names: ['endpoint', 'host'],
    value: (random) =>
      `${product(random)}.c${random.chars(alphabets.lowerAndDigits, 11)}.eu-central-1.rds.amazonaws.com`,
  },
  'e-mail address': {
    names: ['email', 'user', 'owner', 'to'],
    value: (random) => `${person(random)}+${random.number(4)}@${zone(random)}`,
  },
  IBAN: {
    names: ['iban', 'account'],
    value: (random) =>
      `DE${random.number(2)} ${random.number(4)} ${random.number(4)} ${random.number(4)} ${random.number(4)} ${random.number(2)}`,
  },
  'IBAN, compact': { names: ['iban', 'account'], value: (random) => `GB${random.number(2)}NWBK${random.number(14)}` },
  'order number': {
    names: ['order', 'invoice', 'ticket'],
    value: (random) => `${random.pick(['PO', 'RE', 'INV', 'SO'])}-${random.number(4)}-${random.number(7)}`,
  },
  'tracking number': {
    names: ['parcel', 'tracking'],
    value: (random) => `1Z${random.chars(alphabets.upperAndDigits, 16)}`,
  },
  'vehicle number': {
    names: ['vin'],
    value: (random) => `WVWZZZ${random.chars('0123456789ABCDEFGHJKLMNPRSTUVWXYZ', 11)}`,
  },
  'product code': { names: ['sku', 'article', 'part'], value: productCode },
  'serial number': { names: ['serial', 'asset'], value: (random) => random.chars(alphabets.upperAndDigits, 12) },
  'phone number': {
    names: ['phone', 'mobile', 'fax'],
    value: (random) => `+49 ${random.between(150, 179)} ${random.number(8)}`,
  },
  'MAC address': { names: ['mac', 'ether'], value: (random) => groups(random, 6, ':') },
  'IPv6 address': {
    names: ['ip', 'peer', 'addr'],
    value: (random) =>
      `2001:db8:${random.hex(4)}:${random.hex(4)}:${random.hex(4)}:${random.hex(4)}:${random.hex(4)}:${random.hex(4)}`,
  },
  'Bitcoin address': { names: ['address', 'payee'], value: (random) => `1${random.chars(alphabets.base58, 33)}` },
  'Ethereum address': { names: ['address', 'contract'], value: (random) => `0x${random.hex(40)}` },
  'IPFS address': { names: ['cid'], value: (random) => `Qm${random.chars(alphabets.base58, 44)}` },
  'DNA strand': {
    names: ['sequence', 'primer', 'read'],
    value: (random) => random.chars(alphabets.dna, random.between(24, 90)),
  },
  'hex colour': { names: ['color', 'background', 'fill'], value: (random) => `#${random.hex(random.pick([6, 8]))}` },
  timestamp: { names: ['created_at', 'password_changed_at', 'token_expires_at', 'last_login'], value: instant },
  'timestamp, compact': { names: ['at', 'snapshot'], value: compactInstant },
  'epoch in nanoseconds': { names: ['ts', 'offset'], value: (random) => `1${random.number(18)}` },
  'semantic version': {
    names: ['version', 'tag'],
    value: (random) =>
      `${random.int(30)}.${random.int(60)}.${random.int(90)}-rc.${random.int(9)}+build.${random.hex(7)}`,
  },
  'hashed file': {
    names: ['script', 'asset', 'src'],
    value: (random) => `/assets/${product(random)}-${random.word(8)}.${random.pick(['js', 'css', 'woff2'])}`,
  },
  coordinates: {
    names: ['position', 'geo'],
    value: (random) =>
      `${random.between(-89, 89)}.${random.number(7)},${random.between(-179, 179)}.${random.number(7)}`,
  },
  'large number': {
    names: ['amount', 'total', 'balance'],
    value: (random) => `${random.between(1, 99)}${random.number(20)}.${random.number(6)}`,
  },
  'pod name': {
    names: ['pod', 'container'],
    value: (random) => `${product(random)}-${random.hex(10)}-${random.chars('bcdfghjklmnpqrstvwxz2456789', 5)}`,
  },
  'key of an object': {
    names: ['cache_key', 'primary_key', 'sort_key', 'partition_key', 'key'],
    value: (random) => `${product(random)}:${date(random)}:${person(random)}:${random.number(6)}`,
  },
  'name of a secret': {
    names: ['secretName', 'secret_name', 'existingSecret', 'vault_path'],
    value: (random) => `${product(random)}-${random.pick(['tls', 'db', 'smtp'])}-credentials`,
  },
  'S3 version': { names: ['VersionId', 'marker'], value: (random) => random.base62(32) },
  'git blob line': { names: ['index'], value: (random) => `${random.hex(11)}..${random.hex(11)} 100644` },
};

/** Neutral places: none of them says that the value opens anything. */
export function harmlessPlace(name: string, value: string, random: Random): string {
  return random.pick([
    () => `${logHead(random)} ${name}=${value} took=${random.between(1, 999)}ms`,
    () => `{"${name}":"${value}","owner":"${person(random)}","n":${random.number(3)}}`,
    () => `{"rows":[{"at":"${instant(random)}","${name}":"${value}"}],"more":false}`,
    () => `${name}: ${value}\nregion: eu-${random.int(9)}\n`,
    () => `${date(random)};${random.number(5)};${value};${person(random)}`,
    () => `id,${name},since\n${random.number(4)},"${value}",${date(random)}`,
    () => `${logHead(random)} ${random.pick(['handled', 'skipped', 'stored', 'sent'])} ${value} for ${person(random)}`,
    () =>
      `SELECT * FROM ${product(random)} WHERE ${name.replaceAll(/[^A-Za-z_]/g, '_')} = '${value}' LIMIT ${random.between(1, 99)};`,
    () => `<tr><td>${person(random)}</td><td>${value}</td><td>${date(random)}</td></tr>`,
    () => `See ${value} (${person(random)}, ${date(random)}).`,
    () => `| ${name} | ${value} |\n| by | ${person(random)} |`,
  ])();
}
