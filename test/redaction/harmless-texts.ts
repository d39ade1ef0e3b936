/** Texts that speak of credentials, hold their place, or look encoded, and hold none. */
import type { Random } from './random.ts';
import { alphabets } from './random.ts';
import {
  capital,
  city,
  date,
  email,
  fullName,
  host,
  instant,
  ip,
  logHead,
  person,
  product,
  zone,
  wrapped,
} from './surroundings.ts';

type Texts = Readonly<Record<string, (random: Random) => string>>;

const passwordNames = [
  'password',
  'DB_PASSWORD',
  'smtp_password',
  'api_key',
  'API_KEY',
  'clientSecret',
  'access_token',
  'secret',
];

export const placeholders = [
  ...['<your-token>', '<password>', '<YOUR_API_KEY>', '${API_KEY}', '${DB_PASSWORD}', '$DB_PASSWORD', '%DB_PASSWORD%'],
  ...[
    '{{ vault_db_password }}',
    '{{ .Values.auth.token }}',
    '{{API_KEY}}',
    '$(cat /run/secrets/db)',
    '****',
    '********',
  ],
  ...[
    'xxxxx',
    'xxxxxxxxxxxxxxxx',
    'XXXX-XXXX-XXXX',
    '[REDACTED]',
    '[redacted]',
    '<redacted>',
    'REDACTED',
    '***hidden***',
  ],
  ...[
    'your-api-key-here',
    'YOUR_TOKEN_HERE',
    '••••••••',
    'null',
    'none',
    'true',
    'false',
    '""',
    'undefined',
    '...',
    '%s',
    '{}',
  ],
  ...['process.env.API_KEY', 'os.environ["DB_PASSWORD"]', 'var.db_password', 'secrets.DEPLOY_TOKEN', 'env:API_TOKEN'],
  ...[
    'op://ops/database/password',
    'vault:secret/data/db#password',
    'ref+vault://secret/db#/password',
    '!Ref DbPassword',
  ],
];

export const aboutCredentials: Texts = {
  placeholder: (random) => {
    const name = random.pick(passwordNames);
    const value = random.pick(placeholders);
    return random.pick([
      () => `# ${product(random)}\n${name}=${value}\nPORT=${random.number(4)}`,
      () => `${product(random)}:\n  ${name}: ${value}\n  port: ${random.number(4)}`,
      () => `{"host":"${host(random)}","${name}":${JSON.stringify(value)}}`,
      () => `${logHead(random)} ${name}=${value} user=${person(random)}`,
      () => `Set ${name} to ${value} before you start ${product(random)} on ${host(random)}.`,
    ])();
  },
  'placeholder in a header': (random) =>
    `curl -H "${random.pick(['Authorization: Bearer $TOKEN', 'Authorization: Bearer <token>', 'Authorization: Basic ${BASIC}', 'X-API-Key: <your-api-key>', 'Authorization: Bearer {{access_token}}'])}" https://${host(random)}/v1`,
  'placeholder in a URL': (random) =>
    `${random.pick(['postgres', 'mysql', 'amqp', 'https'])}://${person(random)}:${random.pick(['<password>', '${DB_PASSWORD}', '****', '$PASS', '[REDACTED]', '{{ password }}', 'xxxxx'])}@${host(random)}/${product(random)}`,
  'English prose': (random) =>
    `${fullName(random)}: ${random.pick([
      'the password of the old system has to be changed before the audit',
      'please never send passwords or API keys by mail; use the vault instead',
      'the access token expires after an hour, then the refresh token is used',
      'a secret is only as good as the person who keeps it',
      'the token bucket holds ten tokens and refills at one token a second',
      'we rotate the client secret every ninety days and the signing key once a year',
      'the password policy asks for twelve characters and one digit',
      'password: required. The form says so even when it is filled in',
      'is the API key in the header or in the query? The documentation says the header',
      'basic authentication was turned off, bearer tokens are the only way in',
      'the private key never leaves the device, the public key is in the directory',
      'key results of the quarter: token usage fell, password resets as well',
    ])} (${city(random)}, ${date(random)}).`,
  'German prose': (random) =>
    `${fullName(random)}: ${random.pick([
      'das Passwort muss vor der Prüfung geändert werden',
      'bitte keine Kennwörter per E-Mail verschicken',
      'die Zugangsdatenverwaltungsrichtlinie gilt auch für Auftragsverarbeitungsvereinbarungen',
      'der Schlüssel liegt beim Pförtner, das Token ist abgelaufen',
      'Passwort: siehe Tresor. Kennwort: bekannt',
      'die Zwei-Faktor-Authentifizierungseinstellungen stehen unter Sicherheitskonfiguration',
      'Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz und Donaudampfschifffahrtsgesellschaft',
    ])} (${city(random)}, ${date(random)}).`,
  'Arabic and Chinese': (random) =>
    `${random.pick(['كلمة المرور مطلوبة قبل تسجيل الدخول', '请在登录之前更改您的密码', 'パスワードは九十日ごとに変更してください', 'Токен доступа истекает через час', 'يرجى الاتصال بالدعم الفني', '访问令牌将在一小时后过期'])} ${random.number(5)} ${date(random)}`,
  'full-width text': (random) =>
    `Order ${random.number(6)} for ${capital(person(random))}, ${city(random)}`.replaceAll(/[!-~]/g, (mark) =>
      String.fromCharCode(mark.charCodeAt(0) + 0xfee0),
    ),
  'zero-width text': (random) =>
    `${person(random)}\u200B.\u200B${product(random)}\u200B/\u200B${random.number(6)} ${date(random)}`,
  'column about a credential': (random) =>
    random.pick([
      () =>
        `{"id":${random.number(5)},"password_changed_at":"${instant(random)}","has_password":true,"token_count":${random.number(3)}}`,
      () =>
        `password_changed_at: ${date(random)}\ntoken_count: ${random.number(3)}\nsecret_rotation_days: ${random.between(10, 400)}`,
      () =>
        `id,password_expires,api_key_count,max_tokens\n${random.number(4)},${date(random)},${random.int(9)},${random.number(4)}`,
      () =>
        `{"password_min_length":${random.between(8, 20)},"token_type":"bearer","token_ttl_s":${random.number(4)},"secret_version":${random.between(1, 30)}}`,
      () =>
        `prompt_tokens=${random.number(4)} completion_tokens=${random.number(3)} total_tokens=${random.number(4)} user=${person(random)}`,
      () => `{"password":null,"password_strength":"${random.pick(['weak', 'strong'])}","user":"${email(random)}"}`,
    ])(),
  'code identifiers': (random) =>
    random.pick([
      () => `const token = await getAccessToken(${person(random)}); // ${random.number(4)}`,
      () =>
        `if (!user.password) { return res.status(${random.between(400, 499)}).send('${product(random)}: password missing'); }`,
      () => `password = getpass.getpass("${capital(person(random))}: ")\nsecret = load_secret(${product(random)})`,
      () =>
        `export function ${product(random)}Password(password: string, secretKey: CryptoKey): Promise<AccessToken> {`,
      () =>
        `private final String ${product(random)}ApiKey; // set by ${person(random)}: this.apiKey = config.getApiKey();`,
      () =>
        `token := os.Getenv("${product(random).toUpperCase()}_TOKEN"); if token == "" { log.Fatal("no token ${random.number(3)}") }`,
      () => `api_key = settings.API_KEY or ${product(random)}.default_key()`,
      () => `let password = document.getElementById('password-${random.number(3)}').value;`,
    ])(),
  'JSON schema': (random) =>
    `{"title":"${capital(product(random))}","type":"object","properties":{"password":{"type":"string","minLength":${random.between(8, 20)}},"apiKey":{"type":"string","pattern":"^[A-Za-z0-9]{${random.between(20, 50)}}$"}},"required":["password"]}`,
  SQL: (random) =>
    random.pick([
      () =>
        `SELECT id, email, password_hash FROM ${product(random)} WHERE token IS NOT NULL AND id > ${random.number(5)};`,
      () =>
        `CREATE TABLE ${product(random)} (id bigint PRIMARY KEY, password text NOT NULL, api_key varchar(${random.between(20, 90)}), secret bytea);`,
      () => `ALTER TABLE ${product(random)} ADD COLUMN token_expires timestamptz DEFAULT '${date(random)}';`,
      () => `GRANT SELECT ON ${product(random)} TO ${person(random)}; -- ${random.number(4)}, password by the vault`,
    ])(),
  'log about sign-in': (random) =>
    `${logHead(random)} ${random.pick(['Accepted publickey for', 'password authentication failed for', 'token refreshed for', 'secret rotated by', 'invalid API key from'])} ${person(random)} from ${ip(random)} port ${random.number(5)}`,
  'challenge header': (random) =>
    `WWW-Authenticate: Bearer realm="${product(random)}", error="invalid_token", error_uri="https://${host(random)}"`,
  'cookie preferences': (random) =>
    `Set-Cookie: ${random.pick(['lang', 'theme', 'consent'])}=${product(random)}; Path=/${person(random)}; Max-Age=${random.number(7)}`,
  'HTML form': (random) =>
    `<form action="https://${host(random)}/login"><label for="pw">Password</label><input id="pw" type="password" name="password" autocomplete="current-password" minlength="${random.between(8, 30)}"></form>`,
  'OAuth settings': (random) =>
    `{"issuer":"https://login.${zone(random)}","client_id":"${random.uuid()}","token_endpoint":"https://login.${zone(random)}/token","token_endpoint_auth_method":"client_secret_basic"}`,
  'Kubernetes reference': (random) =>
    `env:\n- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef:\n      name: ${product(random)}-credentials\n      key: password\nreplicas: ${random.number(2)}`,
  'prefix in a word': (random) =>
    random.pick([
      () => `pip install sk-learn==${random.int(9)}.${random.int(30)} sk-image ${product(random)}`,
      () =>
        `The highpass filter of ${product(random)} ${random.number(3)}: ghp_filter, glpat-test, npm_config_registry=https://npm.${zone(random)}`,
      () => `AKIA${random.chars(alphabets.upperAndDigits, 5)} is a street in ${city(random)}`,
      () => `xoxo, ${capital(person(random))} (${date(random)})`,
      () =>
        `task-${random.number(5)} risk-${random.number(4)} disk-${product(random)}-${random.number(3)} desk-${city(random).toLowerCase()}`,
      () => `hf_dataset=${product(random)} hf_home=/srv/${product(random)} dop_v1_migration=${date(random)}`,
      () => `AIzawa ${capital(person(random))}, SG.Brennstoffe, ya29 is room ${random.number(3)}`,
      () => `eyJust ${product(random)}.eyJust.${product(random)} rk_live_view sk_test_suite=${random.number(3)}`,
    ])(),
};

const asBase64 = (text: string): string => Buffer.from(text).toString('base64');
const note = (random: Random): string =>
  `Dear ${fullName(random)}, the meeting about ${product(random)} in ${city(random)} moved to ${date(random)}.`;
const row = (random: Random): string =>
  JSON.stringify({ name: fullName(random), city: city(random), since: date(random), n: random.int(99) });

export const looksEncoded: Texts = {
  'image as base64': (random) =>
    `<img alt="${person(random)}" src="data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAA${random.base64(random.between(60, 300))}">`,
  'JPEG in JSON': (random) =>
    `{"id":${random.number(4)},"thumbnail":"/9j/4AAQSkZJRgABAQEASABIAAD${random.base64(random.between(120, 400))}"}`,
  'font in CSS': (random) =>
    `@font-face{font-family:${product(random)};src:url(data:font/woff2;base64,d09GMgABAAAAA${random.base64(random.between(80, 240))})}`,
  'text as base64': (random) => `{"body":"${asBase64(note(random))}","encoding":"base64"}`,
  'prose about passwords as base64': (random) =>
    `body: ${asBase64(`${capital(person(random))}, please change your password before ${date(random)}.`)}`,
  'JSON as base64': (random) => `cursor=${asBase64(row(random))}&limit=${random.number(2)}`,
  'JSON as base64url': (random) =>
    `${logHead(random)} state ${Buffer.from(row(random)).toString('base64url')} restored`,
  'text as hex': (random) => `payload: ${Buffer.from(note(random)).toString('hex')}`,
  'percent-encoded URL': (random) =>
    `https://${host(random)}/go?to=${encodeURIComponent(`https://${host(random)}/${product(random)}?from=${date(random)}&q=${fullName(random)}`)}`,
  'percent-encoded JSON': (random) => `filter=${encodeURIComponent(row(random))}`,
  'JSON escapes': (random) =>
    `{"title":"${`${city(random)} ${random.number(4)}`
      .split('')
      .map((mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join('')}"}`,
  entities: (random) =>
    `<p>${`${fullName(random)}, ${city(random)}`
      .split('')
      .map((mark) => `&#${mark.charCodeAt(0)};`)
      .join('')}</p>`,
  'text as base64, twice': (random) => `note=${asBase64(asBase64(note(random)))}`,
  'public key': (random) =>
    `-----BEGIN PUBLIC KEY-----\n${wrapped(`MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A${random.base64(270)}`, 64)}\n-----END PUBLIC KEY-----\n`,
  certificate: (random) =>
    `-----BEGIN CERTIFICATE-----\n${wrapped(`MIID${random.base64(random.between(600, 1000))}`, 64)}\n-----END CERTIFICATE-----\n`,
  'certificate request': (random) =>
    `-----BEGIN CERTIFICATE REQUEST-----\n${wrapped(`MIIC${random.base64(540)}`, 64)}\n-----END CERTIFICATE REQUEST-----`,
  'certificate as base64': (random) =>
    `clusters:\n- name: ${product(random)}\n  cluster:\n    certificate-authority-data: ${asBase64(`-----BEGIN CERTIFICATE-----\n${wrapped(`MIID${random.base64(600)}`, 64)}\n-----END CERTIFICATE-----\n`)}\n`,
  'SSH public key': (random) =>
    `ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ${random.base64(384)} ${person(random)}@${host(random)}`,
  'SSH public key, Ed25519': (random) =>
    `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${random.base62(43)} ${person(random)}@${host(random)}`,
  'known host': (random) =>
    `${host(random)},${ip(random)} ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABB${random.base62(87)}=`,
  'public JSON Web Key': (random) =>
    `{"kty":"RSA","use":"sig","kid":"${random.hex(16)}","n":"${random.bytes(256).toString('base64url')}","e":"AQAB"}`,
  'age recipient': (random) => `# public key: age1${random.chars(alphabets.bech32, 58).toLowerCase()}`,
  'WireGuard peer': (random) =>
    `[Peer]\nPublicKey = ${random.base64(32)}\nAllowedIPs = 10.8.0.${random.between(2, 250)}/32\n`,
  'PGP signature': (random) =>
    `-----BEGIN PGP SIGNATURE-----\n\n${wrapped(`iQIz${random.base64(300)}`, 64)}\n=${random.base64(3)}\n-----END PGP SIGNATURE-----`,
  'lock file entry': (random) =>
    `"node_modules/${product(random)}": {\n  "version": "${random.int(9)}.${random.int(30)}.0",\n  "resolved": "https://registry.npmjs.org/${product(random)}/-/${product(random)}.tgz",\n  "integrity": "sha512-${random.base64(64)}"\n}`,
  'Go checksum': (random) =>
    `github.com/acme/${product(random)} v0.${random.int(90)}.${random.int(9)} h1:${random.base64(32)}`,
  'pip hash': (random) => `${product(random)}==${random.int(9)}.${random.int(20)} --hash=sha256:${random.hex(64)}`,
  'git log': (random) =>
    `commit ${random.hex(40)}\nAuthor: ${fullName(random)} <${email(random)}>\nDate:   ${date(random)}\n\n    rotate tokens of ${product(random)}\n`,
  'source map': (random) =>
    `{"version":3,"mappings":"${Array.from({ length: 20 }, () => random.chars('ACEGIKMSUWgkoqsuwy', random.pick([4, 5]))).join(',')};${product(random)}"}`,
  'minified script': (random) =>
    `!function(e,t){"use strict";var n=t(${random.number(3)}),r=n.token||"${product(random)}";e.exports=function(o){return r+o.password.length>>${random.int(9)}}}(this,function(e){return e*${random.number(4)}});`,
  'minified style': (random) =>
    `.c${random.base62(5)}{color:#${random.hex(6)};margin:${random.int(40)}px}.c${random.base62(5)}>a{background:#${random.hex(3)} url(/i/${random.hex(8)}.svg)}`,
  'SVG path': (random) =>
    `<path d="M${random.number(2)}.${random.number(3)} ${random.number(2)}l${random.number(2)}.5-${random.number(1)}.${random.number(2)}H${random.number(3)}V${random.number(2)}c0 ${random.number(2)} ${random.number(2)}-${random.number(1)}z"/>`,
  'hex dump': (random) => `0000${random.hex(4)}  ${random.hex(32).replaceAll(/(..)/g, '$1 ')} |${random.base62(16)}|`,
  'user agent': (random) =>
    `${ip(random)} - - [${date(random)}] "GET /${product(random)} HTTP/1.1" 200 ${random.number(5)} "-" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/${random.between(90, 150)}.0.${random.number(4)}.${random.number(2)}"`,
  'stack of frames': (random) =>
    `TypeError: password is not a function\n    at Object.${product(random)} (/srv/${product(random)}/dist/auth.${random.hex(8)}.js:1:${random.number(5)})\n    at async Promise.all (index ${random.int(9)})`,
};
