/** Tokens of messengers, payment, mail, models, monitoring and office services, by the vendors' public formats. */
import { hexChecksum } from './checksum.ts';
import { tokens } from './kind.ts';
import { alphabets } from './random.ts';

export const messengers = tokens({
  'Slack bot token': (random) => `xoxb-${random.digits(12)}-${random.digits(13)}-${random.base62(24)}`,
  'Slack user token': (random) =>
    `xoxp-${random.digits(12)}-${random.digits(12)}-${random.digits(13)}-${random.hex(32)}`,
  'Slack app token': (random) =>
    `xapp-1-A${random.chars(alphabets.upperAndDigits, 10)}-${random.digits(13)}-${random.hex(64)}`,
  'Slack refresh token': (random) => `xoxe-1-${random.base62(147)}`,
  'Discord bot token': (random) =>
    `${Buffer.from(`1${random.digits(18)}`).toString('base64url')}.G${random.word(5)}.${random.word(38)}`,
  'Telegram bot token': (random) => `${random.between(1, 7)}${random.digits(9)}:AA${random.word(33)}`,
});

export const payment = tokens({
  'Stripe secret key': (random) => `sk_live_${random.base62(random.pick([24, 99]))}`,
  'Stripe test key': (random) => `sk_test_${random.base62(random.pick([24, 99]))}`,
  'Stripe restricted key': (random) => `rk_live_${random.base62(random.pick([24, 99]))}`,
  'Stripe webhook secret': (random) => `whsec_${random.base62(32)}`,
  'Square access token': (random) => `EAAA${random.word(60)}`,
  'Square OAuth secret': (random) => `sq0csp-${random.word(43)}`,
  'Braintree access token': (random) =>
    `access_token$production$${random.chars(alphabets.lowerAndDigits, 16)}$${random.hex(32)}`,
  'Shopify access token': (random) => `sh${random.pick(['pat', 'ca', 'ppa', 'pss'])}_${random.hex(32)}`,
});

export const mail = tokens({
  'SendGrid key': (random) => `SG.${random.word(22)}.${random.word(43)}`,
  'Mailgun key': (random) => `key-${random.hex(32)}`,
  'Mailchimp key': (random) => `${random.hex(32)}-us${random.between(1, 21)}`,
  'Brevo key': (random) => `xkeysib-${random.hex(64)}-${random.base62(16)}`,
});

export const models = tokens({
  'OpenAI key': (random) => `sk-${random.base62(20)}T3BlbkFJ${random.base62(20)}`,
  'OpenAI project key': (random) => `sk-proj-${random.word(74)}T3BlbkFJ${random.word(74)}`,
  'OpenAI service account key': (random) => `sk-svcacct-${random.word(58)}T3BlbkFJ${random.word(58)}`,
  'Anthropic key': (random) => `sk-ant-api03-${random.word(93)}AA`,
  'Anthropic admin key': (random) => `sk-ant-admin01-${random.word(93)}AA`,
  'Hugging Face token': (random) => `hf_${random.chars(alphabets.lower + alphabets.upper, 34)}`,
  'Replicate token': (random) => `r8_${random.base62(37)}`,
  'Groq key': (random) => `gsk_${random.base62(52)}`,
  'Perplexity key': (random) => `pplx-${random.base62(48)}`,
});

export const monitoring = tokens({
  'New Relic user key': (random) => `NRAK-${random.chars(alphabets.upperAndDigits, 27)}`,
  'New Relic insert key': (random) => `NRII-${random.word(32)}`,
  'Sentry organization token': (random) =>
    'sntrys_' +
    Buffer.from(`{"iat":1${random.digits(9)}.${random.digits(6)},"url":"https://sentry.io","org":"acme"}`).toString(
      'base64',
    ) +
    `_${random.base62(43)}`,
  'Sentry user token': (random) => `sntryu_${random.hex(64)}`,
  'Grafana service account token': (random) => {
    const body = random.base62(32);
    return `glsa_${body}_${hexChecksum(body)}`;
  },
  'Grafana Cloud token': (random) =>
    'glc_' +
    Buffer.from(`{"o":"${random.digits(6)}","n":"metrics","k":"${random.base62(24)}","m":{"r":"eu"}}`).toString(
      'base64',
    ),
  'Dynatrace token': (random) => `dt0c01.${random.chars(alphabets.base32, 24)}.${random.chars(alphabets.base32, 64)}`,
});

export const office = tokens({
  'Linear key': (random) => `lin_api_${random.base62(40)}`,
  'Notion token': (random) => `ntn_${random.digits(11)}${random.base62(35)}`,
  'Notion legacy token': (random) => `secret_${random.base62(43)}`,
  'Figma token': (random) => `figd_${random.word(40)}`,
  'Airtable token': (random) => `pat${random.base62(14)}.${random.hex(64)}`,
  'Postman key': (random) => `PMAK-${random.hex(24)}-${random.hex(34)}`,
  'HubSpot token': (random) => `pat-${random.pick(['na1', 'eu1'])}-${random.uuid()}`,
  'Contentful token': (random) => `CFPAT-${random.word(43)}`,
});
