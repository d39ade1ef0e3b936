/**
 * One credential of each kind, made when a test runs: no literal here has a credential's form. A template has parts in braces,
 * a letter for the alphabet and a length; what is between « and » is what must be hidden, by default all.
 */

const upper = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const lower = upper.toLowerCase();
const digits = '0123456789';

const alphabets: Readonly<Record<string, string>> = {
  a: upper + lower + digits,
  b: `${upper}${lower}${digits}+/`,
  d: digits,
  h: `${digits}abcdef`,
  l: lower + digits,
  p: `${upper}${lower}${digits}!?.%*`,
  t: `${upper}234567`,
  u: upper + digits,
  v: `${lower}234567`,
  w: `${upper}${lower}${digits}_-`,
  z: '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz',
};

/** A small generator of its own, so that a failure can be repeated. */
export function seeded(seed: number): () => number {
  let state = (seed * 2654435761 + 1) >>> 0;
  return () => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}

export interface SecretSample {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

export function fromTemplate(template: string, seed: number, shortest = Number.POSITIVE_INFINITY): SecretSample {
  const random = seeded(seed);
  for (let warm = 0; warm < 10; warm += 1) random();
  const some = (alphabet: string, length: number): string =>
    Array.from({ length: Math.min(length, shortest) }, () =>
      alphabet.charAt(Math.floor(random() * alphabet.length)),
    ).join('');
  const filled = template
    .replaceAll('{uuid}', '{h8}-{h4}-{h4}-{h4}-{h12}')
    .replaceAll('{jwt}', `${encoded('{"alg":"RS256","typ":"JWT"}')}.${encoded('{"sub":"1"')}{w60}.{w86}`)
    .replaceAll('{jwe}', `${encoded('{"alg":"dir","enc":"A256GCM"}')}..{w16}.{w60}.{w22}`)
    .replace(/\{([a-z])(\d+)\}/g, (_all, letter: string, length: string) =>
      some(alphabets[letter] ?? '', Number(length)),
    );
  const start = filled.indexOf('«');
  const end = filled.indexOf('»');
  const text = filled.replace(/[«»]/g, '');
  return start < 0 ? { text, start: 0, end: text.length } : { text, start, end: end - 1 };
}

function encoded(text: string): string {
  return btoa(text).replace(/=+$/, '');
}

/** Kind, template, and where cutting every part to five characters is not a near miss, a near miss. */
export const secretSamples: readonly (readonly [kind: string, template: string, nearMiss?: string])[] = [
  ['AWS access key', 'AKIA{t16}'],
  ['AWS access key', 'ASIA{t16}'],
  ['AWS secret access key', 'aws_secret_access_key = «{b40}»'],
  ['AWS secret access key', 'AKIA{t16},«{b40}»'],
  ['AWS session token', 'IQoJb3JpZ2lu{b300}'],
  ['Amazon Bedrock API key', 'ABSK{b120}'],
  ['AWS signature', 'https://b.s3.amazonaws.com/k?X-Amz-Signature=«{h64}»'],
  ['AWS signature', 'AWS4-HMAC-SHA256 Credential=AKIA{t16}/20260101/eu-west-1/s3/aws4_request, Signature=«{h64}»'],
  ['Google API key', 'AIza{w35}'],
  ['Google OAuth client secret', 'GOCSPX-{w28}'],
  ['Google access token', 'ya29.{w120}'],
  ['Google refresh token', '1//0{w60}'],
  ['Google signature', 'https://storage.googleapis.com/b/k?X-Goog-Signature=«{h512}»'],
  ['Azure storage key', 'AccountName=x;AccountKey=«{b86}==»;EndpointSuffix=core.windows.net'],
  ['Azure shared access key', 'Endpoint=sb://x/;SharedAccessKeyName=Root;SharedAccessKey=«{b43}=»'],
  ['Azure SAS signature', 'https://x.blob.core.windows.net/c?sv=2024-11-04&sp=r&sig=«{a41}%2B{a8}%3D»'],
  ['code in a URL', 'https://f.example.org/api/go?code=«{w54}==»'],
  ['Firebase server key', 'AAAA{w7}:APA91b{w134}'],
  ['Azure client secret', '{a3}8Q~{w34}'],
  ['Azure DevOps token', '{a76}AZDO{a4}'],
  ['Azure DevOps token', 'AZURE_DEVOPS_TOKEN=«{v52}»'],
  ['Azure key', '{a52}JQQJ99{a26}'],
  ['Alibaba Cloud access key', 'LTAI{a20}', 'LTAI{a5}'],
  ['Tencent Cloud secret id', 'AKID{a32}'],
  ['DigitalOcean token', 'dop_v1_{h64}'],
  ['Heroku API key', 'HRKU-{w60}'],
  ['Heroku API key', 'HEROKU_API_KEY=«{uuid}»'],
  ['Cloudflare origin CA key', 'v1.0-{h24}-{h146}'],
  ['Cloudflare API token', 'CLOUDFLARE_API_TOKEN=«{w40}»'],
  ['Fastly API token', 'FASTLY_API_KEY: «{w32}»'],
  ['Linode token', 'linode_token = "«{h64}»"'],
  ['Vercel token', 'VERCEL_TOKEN=«{a24}»'],
  ['Netlify token', 'nfp_{a36}'],
  ['Fly.io token', 'FlyV1 fm2_{b120}'],
  ['PlanetScale credential', 'pscale_tkn_{w43}'],
  ['Supabase key', 'sbp_{h40}'],
  ['IBM Cloud API key', 'IBM_CLOUD_API_KEY=«{w44}»'],
  ['HashiCorp Vault token', 'hvs.{w90}'],
  ['HashiCorp Vault token', 'VAULT_TOKEN=«s.{a24}»'],
  ['HashiCorp Vault secret id', 'secret_id: «{uuid}»'],
  ['Terraform Cloud token', '{a14}.atlasv1.{w67}'],
  ['Pulumi token', 'pul-{h40}'],
  ['Doppler token', 'dp.pt.{a43}'],
  ['1Password service account', 'ops_eyJ{b250}'],
  ['1Password secret key', 'A3-{u6}-{u11}-{u5}-{u5}-{u5}', 'A3-{u5}-{u11}-{u5}-{u5}-{u5}'],
  ['Infisical token', 'st.{h24}.{h32}.{h32}'],
  ['Databricks token', 'dapi{h32}'],
  ['Snowflake credential', 'SNOWFLAKE_PASSWORD=«{a20}»'],
  ['Confluent secret', 'confluent_api_secret: «{b64}»'],
  ['Tailscale key', 'tskey-auth-{a17}-{a32}'],
  ['ngrok token', 'ngrok_{w44}'],
  ['Aiven token', 'AVNS_{w20}'],
  ['GitHub token', 'ghp_{a36}'],
  ['GitHub token', 'gho_{a36}'],
  ['GitHub token', 'ghu_{a36}'],
  ['GitHub token', 'ghs_{a36}'],
  ['GitHub token', 'ghr_{a36}'],
  ['GitHub token', 'github_pat_{a22}_{a59}'],
  ['GitLab token', 'glpat-{w20}'],
  ['GitLab token', 'gldt-{w20}'],
  ['GitLab runner token', 'GR1348941{w20}'],
  ['Bitbucket app password', 'ATBB{a32}'],
  ['Atlassian token', 'ATATT3x{w180}'],
  ['Atlassian token', 'JIRA_API_TOKEN=«{a24}»'],
  ['npm token', 'npm_{a36}'],
  ['npm token', '//registry.example.org/:_authToken=«{a40}»'],
  ['PyPI token', 'pypi-AgE{w150}'],
  ['RubyGems key', 'rubygems_{h48}'],
  ['NuGet key', 'oy2{l43}'],
  ['crates.io token', 'cio{a32}'],
  ['Docker Hub token', 'dckr_pat_{w27}'],
  ['Artifactory token', 'AKCp{a69}'],
  ['Clojars token', 'CLOJARS_{h60}'],
  ['CircleCI token', 'CCIPAT_{w60}'],
  ['CircleCI token', 'CIRCLE_TOKEN=«{h40}»'],
  ['Buildkite token', 'bkua_{a40}'],
  ['SonarQube token', 'sqp_{h40}'],
  ['Postman key', 'PMAK-{h24}-{h34}'],
  ['Sourcegraph token', 'sgp_{h16}_{h40}'],
  ['Hugging Face token', 'hf_{a34}'],
  ['Anthropic API key', 'sk-ant-api03-{w93}AA'],
  ['OpenAI API key', 'sk-{a20}T3BlbkFJ{a20}'],
  ['OpenAI API key', 'sk-proj-{w120}'],
  ['OpenRouter key', 'sk-or-v1-{h64}'],
  ['Replicate token', 'r8_{a37}'],
  ['Groq key', 'gsk_{a52}'],
  ['xAI key', 'xai-{a80}'],
  ['Perplexity key', 'pplx-{a48}'],
  ['Google Gemini key', 'AQ.Ab{w48}'],
  ['LangSmith key', 'lsv2_pt_{h32}_{h10}'],
  ['Pinecone key', 'pcsk_{a60}'],
  ['Cohere API key', 'COHERE_API_KEY=«{a40}»'],
  ['Mistral API key', 'MISTRAL_API_KEY=«{a32}»'],
  ['Slack token', 'xoxb-{d12}-{d13}-{a24}'],
  ['Slack token', 'xoxp-{d11}-{d11}-{d12}-{h32}'],
  ['Slack app token', 'xapp-1-{u11}-{d13}-{h64}'],
  ['Slack webhook', 'https://hooks.slack.com/services/«T{u8}/B{u10}/{a24}»'],
  ['Discord webhook', 'https://discord.com/api/webhooks/{d18}/«{w68}»'],
  ['Discord bot token', 'MTk{a21}.{w6}.{w38}'],
  ['Telegram bot token', '1{d9}:AA{w33}'],
  [
    'Teams webhook',
    'https://x.webhook.office.com/webhookb2/«{uuid}@{uuid}/IncomingWebhook/{h32}/{uuid}»',
    'https://x.webhook.office.com/webhookb2/',
  ],
  [
    'webhook with secret',
    'https://hooks.zapier.com/hooks/catch/123456/«{l7}»',
    'https://hooks.zapier.com/hooks/catch/',
  ],
  ['SendGrid key', 'SG.{w22}.{w43}'],
  ['Mailgun key', 'key-{h32}'],
  ['Mailgun key', '{h32}-{h8}-{h8}'],
  ['Mailchimp key', '{h32}-us14'],
  ['Postmark token', 'POSTMARK_API_TOKEN=«{uuid}»'],
  ['Brevo key', 'xkeysib-{h64}-{a16}'],
  ['Resend key', 're_{a8}_{a24}'],
  ['Twilio key', 'SK{h32}'],
  ['Twilio auth token', 'AC{h32}:«{h32}»'],
  ['Twilio auth token', 'TWILIO_AUTH_TOKEN=«{h32}»'],
  ['Stripe key', 'sk_live_{a24}'],
  ['Stripe key', 'rk_live_{a24}'],
  ['Stripe webhook secret', 'whsec_{a32}'],
  ['Square token', 'EAAA{w60}'],
  ['Square token', 'sq0csp-{w43}'],
  ['PayPal Braintree token', 'access_token$production${l16}${h32}'],
  ['PayPal secret', 'PAYPAL_CLIENT_SECRET=«{w80}»'],
  ['Plaid token', 'access-production-{uuid}'],
  ['Adyen key', 'AQE{a80}-{b60}'],
  ['Razorpay key', 'rzp_live_{a14}'],
  ['Flutterwave key', 'FLWSECK-{h32}'],
  ['Shopify token', 'shpat_{h32}'],
  ['Datadog key', 'DD_API_KEY=«{h32}»'],
  ['Datadog key', 'datadog_app_key: «{h40}»'],
  ['New Relic key', 'NRAK-{u27}'],
  ['New Relic licence key', 'eu01xx{h30}NRAL'],
  ['Sentry token', 'sntrys_{b120}'],
  ['Grafana token', 'glsa_{a32}_{h8}'],
  ['Grafana token', 'glc_{b80}'],
  ['Grafana API key', 'eyJrIjoi{a80}'],
  ['PagerDuty key', 'PAGERDUTY_TOKEN=«{a20}»'],
  ['Dynatrace token', 'dt0c01.{u24}.{u64}'],
  ['Honeycomb key', 'hcaik_{l58}'],
  ['Splunk token', 'SPLUNK_HEC_TOKEN=«{uuid}»'],
  ['PostHog key', 'phx_{a43}'],
  ['LaunchDarkly key', 'sdk-{uuid}'],
  ['Linear key', 'lin_api_{a40}'],
  ['Notion token', 'ntn_{a46}'],
  ['Notion token', 'secret_{a43}'],
  ['Figma token', 'figd_{w40}'],
  ['Airtable token', 'pat{a14}.{h64}'],
  ['Asana token', '1/1{d15}:{h32}'],
  ['HubSpot token', 'pat-na1-{uuid}'],
  ['Salesforce session', '00D{a15}!«{a96}»'],
  ['Okta token', 'Authorization: SSWS «00{w40}»'],
  ['Auth0 secret', 'AUTH0_CLIENT_SECRET=«{w64}»'],
  ['Dropbox token', 'sl.u.{w140}'],
  ['Contentful token', 'CFPAT-{w43}'],
  ['Typeform token', 'tfp_{w44}'],
  ['ClickUp token', 'pk_{d8}_{u32}'],
  ['Facebook token', 'EAAC{a150}'],
  ['Mapbox secret token', 'sk.eyJ{w80}.{w22}'],
  ['Trello key', 'TRELLO_TOKEN=«{h64}»'],
  ['Algolia key', 'ALGOLIA_ADMIN_KEY=«{h32}»'],
  ['JWT', '{jwt}', 'eyJ{w40}.{w40}.{w40}'],
  ['JWT', '{jwe}', 'eyJ{w40}..{w16}.{w40}.{w22}'],
  ['PASETO', 'v4.local.{w120}'],
  ['bearer token', 'Authorization: Bearer «{a40}»', 'The bearer token authentication scheme of RFC 6750'],
  ['basic authentication', `Basic «${encoded('someone:{p9}')}»`, 'Basic authentication of the service'],
  ['digest authentication', 'Digest username="a", realm="b", nonce="c", uri="/", response="«{h32}»"'],
  ['authorization header', 'X-Api-Key: «{a32}»'],
  ['authorization header', 'Authorization: Token «{h40}»'],
  ['Kerberos ticket', 'Negotiate «YII{b200}»'],
  ['cookie', 'Cookie: «theme=dark; sid2={a32}»\nHost: a', 'Cookie: theme=dark; language=en; banner=closed'],
  ['session cookie', 'JSESSIONID=«{u32}»'],
  ['private key', '-----BEGIN RSA {k0}PRIVATE KEY-----\n{b64}\n{b64}\n{b20}=\n-----END RSA PRIVATE KEY-----'],
  ['private key', '-----BEGIN OPENSSH {k0}PRIVATE KEY-----\n{b64}\n{b64}\n-----END OPENSSH PRIVATE KEY-----'],
  [
    'private key',
    '-----BEGIN PGP {k0}PRIVATE KEY BLOCK-----\nVersion: 1\n\n{b64}\n{b64}\n-----END PGP PRIVATE KEY BLOCK-----',
  ],
  ['private key', '{"kty":"EC","crv":"P-256","d":"«{w43}»"}'],
  ['PuTTY private key', 'Private-Lines: 8\n«{b64}\n{b64}»\n'.replace('»\n', '\n»')],
  ['age secret key', 'AGE-SECRET-KEY-1{u58}'],
  ['WireGuard key', 'PrivateKey = «{b43}=»'],
  ['Ansible vault', '$ANSIBLE_VAULT;1.1;AES256\n«{h80}\n{h80}»'],
  ['kubeconfig key', 'client-key-data: «{b200}»'],
  ['extended private key', 'xprv9s{a0}{a106}'.replace('{a106}', '{z106}')],
  ['password in a URL', 'postgres://reader:«{a12}»@db.example.org/x', 'postgres://reader@db.example.org:5432/x'],
  ['password in a URL', 'mongodb+srv://app:«{p14}»@c.example.org', 'https://example.org:8080/a@b'],
  ['token in a URL', 'https://«{a40}»@git.example.org/x.git'],
  [
    'password in a connection string',
    'Server=db;User Id=sa;Password=«{a12}»;',
    'Server=db;User Id=sa;Integrated Security=true;',
  ],
  ['password in a connection string', 'jdbc:mysql://db/shop?user=app&password=«{l10}»', 'db?user=app&password={k0}'],
  ['password in SQL', "CREATE USER app IDENTIFIED BY '«{a14}»'", "a password 'required' by the server"],
  ['password in LDIF', 'userPassword:: «{l16}»', 'userPassword:: «ÿÿ»'],
  ['password of a registry', '"auth": "«dXNlcjpz{l12}»"', '"auth": "required"'],
  ['NTLM hash', 'ann:1001:«{h32}:{h32}»:::', 'ann:1001:{h31}:{h32}:::'],
  ['.netrc password', 'machine git.example.org login me password «{a16}»', 'machine learning for a login and password'],
  ['.pgpass password', 'db.example.org:5432:shop:reader:«{a14}»'],
  ['password on a command line', 'mysql -u root --password=«{a14}»', 'mysql -u root --password'],
  ['password hash', '$2b$12${a53}'],
  ['password hash', '$6${a16}${a86}'],
  ['password hash', '$argon2id$v=19$m=65536,t=3,p=4${a22}${a43}', '$argon2id$v=19'],
  ['password hash', 'pbkdf2_sha256$600000${a22}${b43}='],
  ['password hash', '{SSHA}{b38}=='.replace('{b38}==', '{b40}')],
  ['password hash', 'SCRAM-SHA-256$4096:{b24}${b44}:{b44}'],
  ['password', 'password: «{p12}»', 'The password must have twelve characters.'],
  ['password', '"db_password": "«hunter2!»"', '"password": "required"'],
  ['secret by its name', 'client_secret=«{a32}»', 'client_secret=see the wiki'],
  ['secret by its name', '"refresh_token": "«{w64}»"', '"token_type": "{a32}"'],
];
