/** Chat, mail, payment, monitoring, offices and shops. */
import { isRandom } from './likeness.ts';
import { named, prefixed, type SecretRule } from './rule.ts';

const alnum = '[A-Za-z0-9]';
const word = '[A-Za-z0-9_-]';

const chatAndMail: readonly SecretRule[] = [
  {
    ...prefixed(
      'Slack token',
      ['xoxb-', 'xoxp-', 'xoxa-', 'xoxe-', 'xoxr-', 'xoxs-', 'xoxc-', 'xoxd-', 'xoxo-', 'xoxe.xox'],
      '[A-Za-z0-9%+/.-]{20,300}',
    ),
    check: isRandom,
  },
  prefixed('Slack app token', ['xapp-'], '\\d-[A-Z0-9]{8,14}-\\d{8,16}-[A-Za-z0-9]{32,80}'),
  {
    kind: 'Slack webhook',
    keywords: ['hooks.slack.com/'],
    pattern: `hooks\\.slack\\.com/(?:services|workflows|triggers)/(?<secret>[A-Za-z0-9/_-]{30,150})`,
    check: isRandom,
  },
  {
    kind: 'Discord webhook',
    keywords: ['discord.com/api/', 'discordapp.com/api/'],
    pattern: `discord(?:app)?\\.com/api/(?:v\\d{1,2}/)?webhooks/\\d{16,20}/(?<secret>${word}{50,90})`,
  },
  {
    kind: 'Telegram bot token',
    keywords: [':AA'],
    pattern: `(?<=(?<![0-9])(?<before>\\d{8,10})):AA${word}{32,34}(?!${word})`,
  },
  {
    kind: 'Teams webhook',
    keywords: ['webhook.office.com/', 'outlook.office.com/'],
    pattern: `(?:webhook|outlook)\\.office\\.com/webhook[A-Za-z0-9]{0,3}/(?<secret>[A-Za-z0-9@/-]{60,300})`,
  },
  {
    kind: 'webhook with secret',
    keywords: [
      'hooks.zapier.com/',
      'chat.googleapis.com/',
      '.m.pipedream.net',
      'maker.ifttt.com/',
      'hook.eu1.make.com/',
      'hook.us1.make.com/',
    ],
    pattern: `(?:hooks\\.zapier\\.com/hooks/catch/\\d{4,12}/(?<secret>[A-Za-z0-9]{5,20})|chat\\.googleapis\\.com/v1/spaces/[\\w-]{5,20}/messages\\?[\\w=&%.-]{30,300}|maker\\.ifttt\\.com/trigger/\\w{1,64}/(?:json/)?with/key/[\\w-]{20,60}|hook\\.\\w{3}\\.make\\.com/[a-z0-9]{20,60})`,
  },
  prefixed('SendGrid key', ['SG.'], `${word}{16,32}\\.${word}{32,64}`),
  { ...prefixed('Mailgun key', ['key-'], '[0-9a-f]{32}(?![A-Za-z0-9])'), check: isRandom },
  {
    kind: 'Mailchimp key',
    keywords: ['-us'],
    pattern: `(?<=(?<![A-Za-z0-9])(?<before>[0-9a-f]{32}))-us\\d{1,2}(?![A-Za-z0-9])`,
  },
  { ...named('Postmark token', ['postmark'], '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}') },
  prefixed('Brevo key', ['xkeysib-', 'xsmtpsib-'], '[0-9a-f]{64}-[A-Za-z0-9]{16}'),
  prefixed('Resend key', ['re_'], '[A-Za-z0-9]{8}_[A-Za-z0-9]{24}(?![A-Za-z0-9])'),
  {
    ...prefixed(
      'Twilio key',
      ['SK0', 'SK1', 'SK2', 'SK3', 'SK4', 'SK5', 'SK6', 'SK7', 'SK8', 'SK9', 'SKa', 'SKb', 'SKc', 'SKd', 'SKe', 'SKf'],
      '[0-9a-f]{31}(?![A-Za-z0-9])',
    ),
    check: isRandom,
  },
  {
    kind: 'Twilio auth token',
    keywords: Array.from('0123456789abcdef', (digit) => `AC${digit}`),
    pattern: '(?<![A-Za-z0-9])AC[0-9a-f]{32}[^A-Za-z0-9]{1,4}(?<secret>[0-9a-f]{32})(?![A-Za-z0-9])',
    check: isRandom,
  },
  { ...named('Twilio auth token', ['twilio'], '[0-9a-f]{32}'), check: isRandom },
];

const money: readonly SecretRule[] = [
  prefixed('Stripe key', ['sk_live_', 'sk_test_', 'rk_live_', 'rk_test_', 'sk_org_'], `${alnum}{16,250}`),
  { ...prefixed('Stripe webhook secret', ['whsec_'], '[A-Za-z0-9+/=]{32,100}'), check: isRandom },
  prefixed('Square token', ['EAAA'], `${word}{60}(?!${word})`),
  prefixed('Square token', ['sq0atp-', 'sq0csp-', 'sq0idp-'], `${word}{22,60}`),
  prefixed('PayPal Braintree token', ['access_token$'], '(?:production|sandbox)\\$[0-9a-z]{16}\\$[0-9a-f]{32}'),
  { ...named('PayPal secret', ['paypal', 'braintree'], `${word}{32,80}`), check: isRandom },
  prefixed(
    'Plaid token',
    ['access-sandbox-', 'access-production-', 'access-development-'],
    '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}',
  ),
  { ...prefixed('Adyen key', ['AQE'], '[A-Za-z0-9+/=]{40,400}-[A-Za-z0-9+/=_-]{20,400}'), reads: 200 },
  prefixed('Razorpay key', ['rzp_live_', 'rzp_test_'], `${alnum}{14,30}`),
  prefixed('Flutterwave key', ['FLWSECK-', 'FLWSECK_TEST-'], '[A-Za-z0-9]{12,64}'),
  prefixed(
    'Shopify token',
    ['shpat_', 'shpss_', 'shpca_', 'shppa_', 'shpua_', 'shprt_', 'shptka_', 'shca_'],
    '[0-9a-fA-F]{32}',
  ),
];

const monitoring: readonly SecretRule[] = [
  {
    ...named('Datadog key', ['datadog', 'dd_ap', 'dd-ap'], '(?:[0-9a-f]{40}|[0-9a-f]{32})'),
    check: isRandom,
  },
  {
    kind: 'Datadog key',
    keywords: ['dd-api', 'dd_api', 'dd-app', 'dd_app'],
    ignoreCase: true,
    pattern: `dd[-_](?:api|app|application)[-_]key["']?\\s{0,3}[:=]\\s{0,3}["']?(?<secret>[0-9a-f]{32,40})(?![A-Za-z0-9])`,
    check: isRandom,
  },
  prefixed('New Relic key', ['NRAK-', 'NRII-', 'NRJS-', 'NRAA-', 'NRRA-', 'NRSP-', 'NRIQ-'], `${word}{19,42}`),
  prefixed('New Relic licence key', ['eu01xx'], '[0-9a-f]{30}NRAL'),
  prefixed('Sentry token', ['sntrys_', 'sntryu_', 'sntryi_'], '[A-Za-z0-9+/=_-]{40,500}'),
  prefixed('Grafana token', ['glsa_', 'glc_'], '[A-Za-z0-9+/=_]{32,400}'),
  prefixed('Grafana API key', ['eyJrIjoi'], '[A-Za-z0-9+/=]{50,400}'),
  {
    ...named('PagerDuty key', ['pagerduty', 'pager_duty', 'pd_api'], '(?:[a-z]\\+)?[A-Za-z0-9_+-]{20,32}'),
    check: isRandom,
  },
  prefixed('Dynatrace token', ['dt0c01.', 'dt0s01.', 'dt0s16.'], '[A-Z0-9]{24}\\.[A-Z0-9]{64}'),
  prefixed('Honeycomb key', ['hcaik_', 'hcaok_', 'hcamk_', 'hcxik_'], `${alnum}{30,70}`),
  { ...named('Splunk token', ['splunk'], '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}') },
  prefixed('PostHog key', ['phx_'], `${alnum}{40,60}`),
  prefixed(
    'LaunchDarkly key',
    ['sdk-', 'api-', 'mob-'],
    '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}',
  ),
];

const offices: readonly SecretRule[] = [
  prefixed('Linear key', ['lin_api_', 'lin_oauth_'], `${alnum}{32,64}`),
  prefixed('Notion token', ['ntn_'], `${alnum}{40,60}`),
  { ...prefixed('Notion token', ['secret_'], `${alnum}{43}(?![A-Za-z0-9])`), check: isRandom },
  prefixed('Figma token', ['figd_', 'figu_', 'figo_'], `${word}{38,60}`),
  { ...prefixed('Airtable token', ['pat'], `${alnum}{14}\\.[0-9a-f]{64}`) },
  {
    kind: 'Asana token',
    keywords: ['0/', '1/', '2/'].map((start) => `${start}1`),
    pattern: `(?<![A-Za-z0-9/])[0-2]/1\\d{10,17}(?:/\\d{12,20})?:[0-9a-f]{32}(?![A-Za-z0-9])`,
  },
  { ...named('Asana token', ['asana'], '[0-9a-f]{32}'), check: isRandom },
  prefixed(
    'HubSpot token',
    ['pat-na', 'pat-eu'],
    '\\d{1,2}-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}',
  ),
  {
    kind: 'Salesforce session',
    keywords: ['00D'],
    pattern: `(?<![A-Za-z0-9])00D[A-Za-z0-9]{12,15}!(?<secret>[A-Za-z0-9._]{80,150})`,
  },
  {
    kind: 'Okta token',
    keywords: ['SSWS ', 'okta'],
    ignoreCase: true,
    pattern: `(?:SSWS |okta[\\w .-]{0,32}(?:["'\\]]{0,2}\\s{0,3}(?:=>|:=|[:=])\\s{0,3}["']{0,2}))(?<secret>00[A-Za-z0-9_-]{38,40})(?![A-Za-z0-9_-])`,
  },
  { ...named('Auth0 secret', ['auth0'], `${word}{48,70}`), check: isRandom },
  prefixed('Dropbox token', ['sl.u.', 'sl.B'], `${word}{100,1500}`),
  prefixed('Contentful token', ['CFPAT-'], `${word}{43}`),
  prefixed('Typeform token', ['tfp_'], `[A-Za-z0-9_.=-]{40,64}`),
  prefixed('ClickUp token', ['pk_'], '\\d{6,10}_[A-Z0-9]{32}'),
  prefixed('Facebook token', ['EAAC', 'EAAB', 'EAAG', 'EAAM', 'EAAF'], `${alnum}{60,500}`),
  prefixed('Mapbox secret token', ['sk.eyJ'], `${word}{40,200}\\.${word}{20,40}`),
  { ...named('Trello key', ['trello'], '(?:[0-9a-f]{64}|[0-9a-f]{32}|ATTA[0-9a-f]{72})'), check: isRandom },
  { ...named('Algolia key', ['algolia'], '[0-9a-f]{32}'), check: isRandom },
];

export const productRules: readonly SecretRule[] = [...chatAndMail, ...money, ...monitoring, ...offices];
