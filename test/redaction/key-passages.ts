/** Private keys, signed tokens, and what is derived from a password: the secret part is the body, without BEGIN and END. */
import { passages } from './kind.ts';
import { password } from './named-values.ts';
import type { Pieces } from './pieces.ts';
import { around, secret } from './pieces.ts';
import type { Random } from './random.ts';
import { alphabets } from './random.ts';
import { fullName, host, person, product, wrapped, privateKey } from './surroundings.ts';

/** As long as a key of its kind, with the first bytes that such a key has. */
function pem(label: string, head: string, sizes: readonly number[]) {
  return (random: Random): Pieces => {
    const body = Buffer.concat([Buffer.from(head, 'hex'), random.bytes(random.pick(sizes))]).toString('base64');
    const name = `${label}${label === '' ? '' : ' '}${privateKey}`;
    return around`-----BEGIN ${name}-----\n${secret(wrapped(body, 64))}\n-----END ${name}-----`;
  };
}

export const privateKeys = passages({
  'PEM RSA key': pem('RSA', '308204a40201000282010100', [1180, 600, 1740]),
  'PEM EC key': pem('EC', '307702010104', [115]),
  'PEM PKCS 8 key': pem('', '308204be020100300d06092a864886f70d0101010500', [1196]),
  'PEM Ed25519 key': pem('', '302e020100300506032b657004220420', [32]),
  'PEM encrypted key': pem('ENCRYPTED', '308204e43057060b2a864886f70d01050d', [1240]),
  'PEM DSA key': pem('DSA', '308203560201000282010100', [842]),
  'OpenSSH key': (random) => {
    const body = Buffer.concat([Buffer.from('openssh-key-v1\0'), random.bytes(random.pick([240, 384, 1800]))]);
    const name = `OPENSSH ${privateKey}`;
    return around`-----BEGIN ${name}-----\n${secret(wrapped(body.toString('base64'), 70))}\n-----END ${name}-----\n`;
  },
  'PGP key': (random) => {
    const name = `PGP ${privateKey} BLOCK`;
    const body = `${wrapped(random.base64(720), 64)}\n=${random.base64(3)}`;
    return around`-----BEGIN ${name}-----\n\n${secret(body)}\n-----END ${name}-----`;
  },
  'RSA key, encrypted the old way': (random) => {
    const name = `RSA ${privateKey}`;
    const head = `Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,${random.hex(32).toUpperCase()}`;
    return around`-----BEGIN ${name}-----\n${head}\n\n${secret(wrapped(random.base64(1192), 64))}\n-----END ${name}-----`;
  },
  'PuTTY key': (random) => {
    const open = wrapped(random.base64(279), 64);
    const shut = wrapped(random.base64(random.pick([96, 592])), 64);
    const head = `PuTTY-User-Key-File-${random.pick([2, 3])}: ssh-rsa\nEncryption: none\nComment: ${person(random)}@${host(random)}`;
    const count = (text: string): number => text.split('\n').length;
    return around`${head}\nPublic-Lines: ${count(open)}\n${open}\nPrivate-Lines: ${count(shut)}\n${secret(shut)}\nPrivate-MAC: ${random.hex(64)}\n`;
  },
  'Google service account': (random) => {
    const name = privateKey;
    const body = wrapped(`MIIEv${random.base64(1212).replaceAll('=', 'A')}`, 64).replaceAll('\n', '\\n');
    const project = `${product(random)}-${random.digits(6)}`;
    return around`{\n  "type": "service_account",\n  "project_id": "${project}",\n  "private_key_id": "${random.hex(40)}",\n  "private_key": "-----BEGIN ${name}-----\\n${secret(body)}\\n-----END ${name}-----\\n",\n  "client_email": "svc@${project}.iam.gserviceaccount.com",\n  "client_id": "${random.digits(21)}"\n}\n`;
  },
  'JSON Web Key': (random) =>
    around`{"kty":"EC","crv":"P-256","kid":"${random.hex(8)}","x":"${random.bytes(32).toString('base64url')}","y":"${random.bytes(32).toString('base64url')}","d":"${secret(random.bytes(32).toString('base64url'))}"}`,
});

const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function jwt(random: Random, algorithm: string, signatureBytes: number): string {
  const claims = {
    iss: `https://login.${product(random)}.example`,
    sub: random.uuid(),
    name: fullName(random),
    iat: random.between(1_500_000_000, 1_800_000_000),
  };
  const head = random.chance(0.5)
    ? { alg: algorithm, typ: 'JWT' }
    : { typ: 'JWT', alg: algorithm, kid: random.hex(16) };
  return `${encoded(head)}.${encoded(claims)}.${random.bytes(signatureBytes).toString('base64url')}`;
}

export const signedTokens = passages({
  'JWT, HS256': (random) => secret(jwt(random, 'HS256', 32)),
  'JWT, RS256': (random) => secret(jwt(random, 'RS256', 256)),
  'JWT, ES256': (random) => secret(jwt(random, 'ES256', 64)),
  JWE: (random) => {
    const part = (byteLength: number): string => random.bytes(byteLength).toString('base64url');
    return secret(`${encoded({ alg: 'RSA-OAEP', enc: 'A256GCM' })}.${part(256)}.${part(12)}.${part(140)}.${part(16)}`);
  },
  'JWT as a bearer': (random) => around`Authorization: Bearer ${secret(jwt(random, 'RS256', 256))}`,
});

export const passwordHashes = passages({
  'bcrypt hash': (random) =>
    secret(`$2${random.pick(['a', 'b', 'y'])}$1${random.int(3)}$${random.chars(alphabets.crypt, 53)}`),
  'sha512crypt hash': (random) =>
    secret(`$6$${random.chars(alphabets.crypt, 16)}$${random.chars(alphabets.crypt, 86)}`),
  'shadow line': (random) =>
    around`${person(random)}:${secret(`$y$j9T$${random.chars(alphabets.crypt, 22)}$${random.chars(alphabets.crypt, 43)}`)}:1${random.digits(4)}:0:99999:7:::`,
  'argon2 hash': (random) => {
    const unpadded = (byteLength: number): string => random.base64(byteLength).replaceAll('=', '');
    return secret(`$argon2id$v=19$m=65536,t=3,p=4$${unpadded(16)}$${unpadded(32)}`);
  },
  'htpasswd line': (random) =>
    around`${person(random)}:${secret(`$apr1$${random.chars(alphabets.crypt, 8)}$${random.chars(alphabets.crypt, 22)}`)}`,
  'Django hash': (random) => secret(`pbkdf2_sha256$600000$${random.base62(22)}$${random.base64(32)}`),
  'PostgreSQL SCRAM verifier': (random) =>
    secret(`SCRAM-SHA-256$4096:${random.base64(16)}$${random.base64(32)}:${random.base64(32)}`),
  'PostgreSQL MD5 verifier': (random) =>
    around`rolname=${person(random)} rolpassword=${secret(`md5${random.hex(32)}`)}`,
  'NTLM hash': (random) =>
    around`${person(random)}:${random.between(500, 1200)}:aad3b435b51404eeaad3b435b51404ee:${secret(random.hex(32))}:::`,
  'Ansible vault': (random) => {
    const body = wrapped(random.hex(random.pick([320, 480, 640])), 80);
    return around`$ANSIBLE_VAULT;1.${random.pick(['1', '2'])};AES256\n${secret(body)}\n`;
  },
  'one-time password seed': (random) =>
    around`otpauth://totp/${product(random)}:${person(random)}?secret=${secret(random.chars(alphabets.base32, 32))}&issuer=${product(random)}`,
  'LDAP SSHA hash': (random) => around`{SSHA}${secret(random.base64(28))}`,
  'password in prose': (random) =>
    around`the password for ${person(random)} on ${host(random)} is ${secret(password(random))}`,
});
