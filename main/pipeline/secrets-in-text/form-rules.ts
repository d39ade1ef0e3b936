/** What has the form of a credential whoever issued it: signed tokens, headers, cookies, keys, URLs, connection strings, hashes. */
import { textOfBase64 } from './base64.ts';
import {
  distinct,
  isPassword,
  isPlaceholder,
  isRandom,
  isReference,
  isSpokenPassword,
  isToken,
  isUuid,
  saysPlaceholder,
} from './likeness.ts';
import { assignment, valueOf, type Groups, type SecretRule } from './rule.ts';

const url = '[A-Za-z0-9_-]';

const signed: readonly SecretRule[] = [
  {
    kind: 'JWT',
    keywords: ['eyJ'],
    // A run is tried once, at its beginning: the parts are long.
    pattern: `(?<![A-Za-z0-9_-])eyJ${url}{8,4096}\\.${url}{0,16384}\\.${url}{0,16384}(?:\\.${url}{1,32768}\\.${url}{10,64})?`,
    check: isSignedToken,
  },
  {
    kind: 'PASETO',
    keywords: ['v1.', 'v2.', 'v3.', 'v4.'],
    pattern: `(?<![A-Za-z0-9_.-])v[1-4]\\.(?:local|public)\\.${url}{40,4096}`,
  },
];

const headers: readonly SecretRule[] = [
  {
    kind: 'bearer token',
    keywords: ['bearer'],
    ignoreCase: true,
    pattern: `bearer(?:\\s{1,4}|%20|["']\\s{0,3}[,:]\\s{0,3}["'])(?<secret>[A-Za-z0-9._~+/|-]{16,4096}={0,2})`,
    check: (secret) => !isPlaceholder(secret) && isRandom(secret),
  },
  {
    kind: 'basic authentication',
    keywords: ['basic'],
    ignoreCase: true,
    pattern: `basic(?:\\s{1,4}|%20)(?<secret>[A-Za-z0-9+/_-]{6,1024}={0,2})`,
    check: (secret) => !/^[A-Za-z]?[a-z]{1,1024}$/.test(secret) && isUserAndPassword(secret),
  },
  {
    kind: 'digest authentication',
    keywords: ['digest username', 'digest realm', 'digest response'],
    ignoreCase: true,
    reads: 200,
    pattern: `digest [^\\r\\n]{0,400}?response=\\\\?"?(?<secret>[0-9a-f]{32,128})`,
  },
  {
    kind: 'authorization header',
    keywords: [
      'authorization',
      'x-api-key',
      'x-auth-token',
      'x-access-token',
      'x-amz-security-token',
      'private-token',
      'job-token',
      'ocp-apim-subscription-key',
      'x-functions-key',
    ],
    ignoreCase: true,
    pattern: `(?:authorization|(?:x-)?(?:api-key|auth-token|access-token|amz-security-token|private-token|job-token|functions-key)|private-token|job-token|ocp-apim-subscription-key)["']?\\s{0,3}(?:[:=]|,(?=\\s?["']))\\s{0,3}["']?(?:(?:negotiate|ntlm|kerberos|token|apikey|api-key|key|sso-key|hmac|splunk|genie ?key|geniekey|bot|dpop)\\s{1,3}["']?)?(?<secret>[A-Za-z0-9._~+/=:|-]{16,2048})`,
    check: (secret) => !isPlaceholder(secret) && isRandom(secret),
  },
  {
    kind: 'Kerberos ticket',
    keywords: ['negotiate YII', 'negotiate oY', 'ntlm TlRM', 'kerberos YII'],
    ignoreCase: true,
    pattern: `(?:negotiate|ntlm|kerberos) (?<secret>(?:YII|oY|TlRM)[A-Za-z0-9+/]{20,8192}={0,2})`,
  },
  {
    kind: 'cookie',
    keywords: ['cookie:', 'cookie":', "cookie':", 'cookie=', 'cookie ='],
    ignoreCase: true,
    pattern: `cookie["']?\\s{0,2}[:=]\\s{0,2}["'[]{0,2}(?<secret>[\\w.%*-]{1,64}=[^\\r\\n"']{16,2048})`,
    check: hasSessionValue,
  },
  {
    kind: 'session cookie',
    keywords: [
      'sessionid',
      'session_id',
      'session-id',
      'sessid',
      'connect.sid',
      'session=',
      'session_token',
      'session-token',
      'auth_token=',
      '.aspnetcore.',
      '.aspxauth',
      'remember_token',
      'remember_me',
      'remember_user_token',
      'laravel_session',
      'wordpress_logged_in_',
      'sid=',
      'estsauth',
      'fedauth',
      'rtfa=',
    ],
    ignoreCase: true,
    pattern: `(?:(?:session|sess)[_-]?(?:id|token)?|connect\\.sid|auth_token|\\.aspnetcore\\.[\\w.]{1,40}|\\.aspxauth|remember_(?:user_)?token|laravel_session|wordpress_logged_in_\\w{0,40}|(?<![A-Za-z0-9_])sid|remember_me|estsauth\\w{0,16}|fedauth|rtfa)["']?\\s{0,2}[:=]\\s{0,2}["']?(?<secret>[A-Za-z0-9%._~+/|=:-]{16,1024})`,
    // A bare UUID is an identifier more often than a credential.
    check: (secret) => isToken(secret) && !isUuid(secret),
  },
];

const keys: readonly SecretRule[] = [
  {
    kind: 'private key',
    keywords: ['-----BEGIN ', '---- BEGIN SSH2 ENCRYPTED'],
    // A body cannot contain the next beginning, so no text is read twice.
    pattern: `-{4,5} ?BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-{4,5}(?:(?:[^-]|-(?!----)){40,32768}-{5}END[A-Z0-9 ]{0,40}-{5}|[A-Za-z0-9+/=\\s\\\\]{40,32768})`,
    check: (secret) => /[A-Za-z0-9+/=]{24}/.test(secret),
  },
  {
    kind: 'PuTTY private key',
    keywords: ['Private-Lines:'],
    pattern: `Private-Lines: ?\\d{1,3}[\\s\\\\rn]{1,6}(?<secret>[A-Za-z0-9+/=\\s\\\\]{40,16384})`,
  },
  {
    kind: 'age secret key',
    keywords: ['AGE-SECRET-KEY-'],
    pattern: 'AGE-SECRET-KEY-(?:1|PQ-1)[A-Z0-9]{50,120}',
    ignoreCase: true,
  },
  {
    kind: 'WireGuard key',
    keywords: ['PrivateKey', 'PresharedKey'],
    pattern: `(?:PrivateKey|PresharedKey)\\s{0,3}=\\s{0,3}(?<secret>[A-Za-z0-9+/]{43}=)`,
  },
  {
    kind: 'Ansible vault',
    keywords: ['$ANSIBLE_VAULT;'],
    pattern: `\\$ANSIBLE_VAULT;[0-9.]{1,6};AES256[^\\n\\\\]{0,64}(?<secret>[0-9a-f\\s\\\\rn]{64,32768})`,
  },
  {
    kind: 'private key',
    keywords: ['"d":', '"d" :'],
    pattern: `"d"\\s{0,2}:\\s{0,2}"(?<secret>[A-Za-z0-9_-]{40,700})"`,
    check: isRandom,
  },
  {
    kind: 'kubeconfig key',
    keywords: ['client-key-data', 'client_key_data'],
    pattern: `client[-_]key[-_]data["']?:\\s{0,3}["']?(?<secret>[A-Za-z0-9+/=]{40,16384})`,
  },
  { kind: 'extended private key', keywords: ['xprv'], pattern: '(?<![A-Za-z0-9])xprv[1-9A-HJ-NP-Za-km-z]{100,112}' },
];

const places: readonly SecretRule[] = [
  {
    kind: 'password in a URL',
    keywords: ['://'],
    pattern: `://[^\\s:@/?#"'<>,;]{0,128}:(?<secret>[^\\s@/"'<>]{3,256})@(?=[\\w.[-])`,
    check: (secret) => !isPlaceholder(secret) && !isStandIn(secret),
  },
  {
    kind: 'password in a URL',
    keywords: ['jdbc:oracle:', 'jdbc:'],
    pattern: `jdbc:oracle:\\w{2,5}:[\\w.-]{1,64}/(?<secret>[^\\s@/"'<>]{3,128})@`,
    check: (secret) => !isStandIn(secret),
  },
  {
    kind: 'token in a URL',
    keywords: ['://'],
    pattern: `://(?<secret>[A-Za-z0-9_-]{20,255})@`,
    check: (secret) => isRandom(secret) && !isPlaceholder(secret),
  },
  {
    kind: 'password in a connection string',
    keywords: ['password=', 'pwd=', 'password =', 'pwd =', 'passwd='],
    ignoreCase: true,
    reads: 120,
    pattern: `(?:password|pwd|passwd) ?= ?["'{]?(?<secret>[^;\\s&"'<>{}]{3,128})["'}]?(?=\\s{0,2};)`,
    check: (secret) => !isStandIn(secret),
  },
  {
    kind: 'password in a connection string',
    keywords: ['password=', 'pwd=', 'password =', 'pwd =', 'passwd='],
    ignoreCase: true,
    reads: 60,
    pattern: `(?<=[;?&]\\s{0,2})(?:password|pwd|passwd) ?= ?["'{]?(?<secret>[^;\\s&"'<>{}]{3,128})`,
    check: (secret) => !isStandIn(secret),
  },
  {
    kind: 'password in LDIF',
    keywords: ['password::'],
    ignoreCase: true,
    pattern: `password:: {1,3}(?<secret>[A-Za-z0-9+/]{4,1024}={0,2})`,
    check: (secret) => textOfBase64(secret) !== null,
  },
  {
    kind: 'password of a registry',
    keywords: ['"auth":', '"auth" :'],
    pattern: `"auth"\\s{0,2}:\\s{0,2}"(?<secret>[A-Za-z0-9+/_-]{6,1024}={0,2})`,
    check: isUserAndPassword,
  },
  {
    kind: 'password in SQL',
    keywords: ['identified by', "password '"],
    ignoreCase: true,
    reads: 60,
    pattern: `(?:identified by|password)\\s{1,3}'(?<secret>[^'\\r\\n]{4,128})'`,
    check: isPassword,
  },
  {
    kind: '.netrc password',
    keywords: ['machine ', 'machine\t'],
    pattern: `machine\\s{1,8}\\S{1,128}\\s{1,8}(?:login\\s{1,8}\\S{1,128}\\s{1,8})?password\\s{1,8}(?<secret>\\S{3,256})`,
    check: (secret) => !isStandIn(secret),
  },
  {
    kind: '.pgpass password',
    keywords: [':5432:', ':3306:', ':*:'],
    pattern: `:(?:5432|3306|\\*):[\\w*.-]{1,64}:[\\w.@-]{1,64}:(?<secret>[^\\s:]{6,128})`,
    check: (secret) => !isStandIn(secret),
  },
  {
    kind: 'password on a command line',
    keywords: ['--pass', '--token', '--secret', '--api-key', '--apikey', '-u ', '--user '],
    reads: 80,
    pattern: `(?:--(?:password|passwd|pass|token|secret|api-?key)[ =]["']?|(?:-u|--user) ["']?[A-Za-z0-9_.@-]{1,64}:)(?<secret>[^\\s"']{6,512})`,
    check: isPassword,
  },
  {
    kind: 'password on a command line',
    keywords: ['-key ', '-key=', '-token ', '-token=', '-secret ', '-secret=', '-password ', '-password=', '-pat '],
    pattern: `(?<=(?:^|[\\s"'\`])--?[a-z][a-z0-9-]{0,40})-(?:key|token|secret|password|pat)[ =]["']?(?<secret>[^\\s"'\`<>]{8,512})`,
    check: (secret) => isToken(secret) || isSpokenPassword(secret),
  },
  {
    kind: 'password on a command line',
    keywords: ['sshpass -p', 'sshpass  -p'],
    pattern: `sshpass {1,2}-p ?["']?${valueOf(3)}`,
    check: (secret) => !isStandIn(secret),
  },
  {
    kind: 'password on a command line',
    keywords: ['mysql', 'mariadb'],
    reads: 100,
    pattern: `(?:mysql|mariadb)(?:dump|admin|import|check|show|-\\w{1,8})?(?= -)(?: [^\\r\\n|;]{0,160}?)? -p["']?(?<secret>[^\\s"'\`-][^\\s"'\`]{3,128})`,
    check: (secret) => !isStandIn(secret) && isPassword(secret),
  },
];

const hashes: readonly SecretRule[] = [
  {
    kind: 'NTLM hash',
    keywords: [':::'],
    pattern: `(?<=:(?<secret>[0-9a-fA-F]{32}:[0-9a-fA-F]{32})):::`,
  },
  {
    kind: 'password hash',
    keywords: ['$2a$', '$2b$', '$2y$', '$2x$'],
    pattern: '\\$2[abxy]\\$\\d\\d\\$[./A-Za-z0-9]{53}',
  },
  {
    kind: 'password hash',
    keywords: ['$1$', '$5$', '$6$', '$y$', '$apr1$', '$7$'],
    reads: 60,
    pattern: '\\$(?:1|5|6|y|7|apr1)\\$[./A-Za-z0-9=$]{1,64}\\$[./A-Za-z0-9]{22,90}',
  },
  {
    kind: 'password hash',
    keywords: ['$argon2', '$scrypt$', '$pbkdf2'],
    pattern: '\\$(?:argon2id?|argon2i|argon2d|scrypt|pbkdf2[\\w-]{0,12})\\$[A-Za-z0-9+/=,.$-]{30,300}',
  },
  {
    kind: 'password hash',
    keywords: ['pbkdf2_sha', 'pbkdf2:sha', 'scrypt:', 'bcrypt_sha256$'],
    pattern:
      '(?:pbkdf2[_:]sha\\d{1,3}[$:]\\d{3,8}\\$|scrypt:\\d{3,8}:\\d:\\d\\$|bcrypt_sha256\\$)[A-Za-z0-9./+=$]{16,300}',
  },
  {
    kind: 'password hash',
    keywords: ['{SSHA', '{SHA}', '{CRYPT}', '{SMD5}', '{PBKDF2'],
    pattern: '\\{(?:SSHA(?:256|512)?|SHA|CRYPT|SMD5|PBKDF2[\\w-]{0,10})\\}[A-Za-z0-9+/=.$]{20,200}',
  },
  {
    kind: 'password hash',
    keywords: ['SCRAM-SHA-'],
    pattern: 'SCRAM-SHA-(?:1|256)\\$\\d{3,7}:[A-Za-z0-9+/=]{16,64}\\$[A-Za-z0-9+/=]{20,64}:[A-Za-z0-9+/=]{20,64}',
  },
];

export const formRules: readonly SecretRule[] = [...signed, ...headers, ...keys, ...places, ...hashes];

/** Whose keys are secret. */
const ofKeys =
  'api access private encryption signing master auth license licence subscription shared account storage deploy service webhook hmac client'.split(
    ' ',
  );

/** By names alone, so they come last: a rule that knows the form gives the better word. */
export const nameRules: readonly SecretRule[] = [
  {
    kind: 'password',
    keywords: [
      'passw',
      'passphrase',
      'passcode',
      'pwd',
      '_pass',
      '-pass',
      'pass=',
      'pass:',
      'pass"',
      'kennwort',
      'bindpw',
      'passwort',
      'psk=',
      'psk =',
      'psk:',
      'psk"',
    ],
    ignoreCase: true,
    reads: 120,
    pattern: `(?:[_-]?pass(?:words?|wd|phrase|code|wort)|(?<![A-Za-z])[_-]?pass(?![A-Za-z])|pwd|bindpw|kennwort|(?<![A-Za-z])psk)(?<suffix>[\\w.-]{0,24})(?:${assignment}|"?\\s{1,2}(?:is|was|ist|lautet)\\s{1,2}["'\`]?)${valueOf(6)}`,
    check: (secret, { suffix = '' }) => !leadsElsewhere.test(suffix) && isPassword(secret),
  },
  {
    // In a sentence: `the password for ann on host is …`, `Kennwort für den Zugang: …`, `password …`.
    kind: 'password',
    keywords: ['password ', 'passwort ', 'kennwort ', 'passphrase '],
    ignoreCase: true,
    reads: 100,
    pattern: `(?:pass(?:word|wort|phrase)|kennwort) (?:(?:for|of|to|für|von|zu)[ ][^\\r\\n:=]{1,80}?(?: (?:is|was|ist|lautet)|:) )?["'\`]?(?<secret>[^\\s"'\`<>]{8,128})`,
    check: isSpokenPassword,
  },
  {
    kind: 'secret by its name',
    keywords: [
      'secret',
      'token',
      'credential',
      'jwt',
      'personal_access',
      ...ofKeys.flatMap((word) => ['', '_', '-', ' ', '.'].map((mark) => `${word}${mark}key`)),
    ],
    ignoreCase: true,
    reads: 100,
    pattern: `(?<name>secret|token|(?:${ofKeys.join('|')})[_ .-]?key|credential|jwt|personal_access)(?<suffix>[\\w.-]{0,32})${assignment}${valueOf(16, '[A-Za-z0-9+/=_.~%:|-]')}`,
    check: isNamedSecret,
  },
];

/** Names that speak about a credential and do not hold one. */
const leadsElsewhere =
  /(?:^s?[-_.]?(?:class|manager|provider|store|izer|ize|ization|s?used)|type|count|usage|used|limit|length|size|ids?|names?|ur[li]s?|endpoint|path|file|refs?|arn|version|expir\w{0,8}|ttl|lifetime|seconds|ms|created\w{0,8}|updated\w{0,8}|changed\w{0,8}|_at|at|_on|age|policy|hint|format|field|param|required|enabled|status|state|issuer|audience|scopes?|algorithm|algo|prefix|label|title|text|description|message|error|digest|sha\d{0,3}|md5|fingerprint|thumbprint|checksum)$/i;
const otherTokens =
  /(?:next|prev|previous|page|paging|continuation|sync|delta|skip|csrf|xsrf|cursor|resume|pagination|public|idempotency|max|min|total|prompt|completion|input|output|cached|reasoning|stop|pad|eos|bos|unk|mask|cls|sep|special|num|request|cancellation|design|syntax)[-_.]?$/i;

function isNamedSecret(secret: string, { left = '', suffix = '', name = '' }: Groups): boolean {
  if (leadsElsewhere.test(suffix) || otherTokens.test(left)) return false;
  if (/^public/i.test(name)) return false;
  return isToken(secret);
}

function isUserAndPassword(encoded: string): boolean {
  return /^[^:]{0,256}:./.test(textOfBase64(encoded) ?? '');
}

function isSignedToken(token: string): boolean {
  const [head = '', body = '', signature = ''] = token.split('.');
  const header = textOfBase64(head) ?? '';
  if (!/"(?:alg|enc)"\s{0,4}:/.test(header)) return false;
  return body.length > 3 || signature.length > 3;
}

function hasSessionValue(cookies: string): boolean {
  return cookies
    .split(/;\s{0,4}/, 50)
    .map((each) => each.slice(each.indexOf('=') + 1))
    .some((value) => value.length >= 16 && !isPlaceholder(value) && isRandom(value));
}

/** What documentation writes where a password goes. */
function isStandIn(value: string): boolean {
  return (
    /^(?:password|passwd|pass|pwd|secret|user|username|token|pw|\d{1,5})$/i.test(value) ||
    isReference(value) ||
    saysPlaceholder(value) ||
    distinct(value) < 3
  );
}
