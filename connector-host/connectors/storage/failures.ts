/** What an answer of the storage that is no success means. Its words never pass: they name keys, people and requests. */
import { refuse, type ConnectorCode, type FetchResponse } from '../../sdk/sdk.ts';
import { readXml } from './plain-xml.ts';

type Meaning = readonly [ConnectorCode, string];

const noObject: Meaning = ['invalid_arguments', 'There is no such object. storage_list shows which there are.'];
const forbidden: Meaning = [
  'not_permitted',
  'The storage does not let this person read that. Ask for something of theirs.',
];
const changed: Meaning = ['invalid_arguments', 'The object was changed while it was read. Ask again.'];
const busy: Meaning = ['backend_unreachable', 'The storage is busy. Try again later.'];
const outdated: Meaning = [
  'backend_refused',
  'The storage does not take the session of this person any more. Try again in half a minute.',
];
const otherwise: Meaning = [
  'backend_refused',
  'The storage refused this request. Try another one, or tell who runs it.',
];

const byCode = new Map<string, Meaning>([
  ['NoSuchKey', noObject],
  ['NoSuchVersion', noObject],
  ['NoSuchBucket', ['invalid_arguments', 'There is no such bucket at the storage. Tell who configured it.']],
  ['ExpiredToken', outdated],
  ['InvalidToken', outdated],
  ['InvalidAccessKeyId', outdated],
  [
    'SignatureDoesNotMatch',
    ['backend_refused', 'The storage does not take the signature: check the region and the clock.'],
  ],
  ['RequestTimeTooSkewed', ['backend_refused', 'The clocks of this machine and the storage differ. Set the clock.']],
  ['InvalidObjectState', ['invalid_arguments', 'The object is archived: have it restored first.']],
  ['PermanentRedirect', ['backend_refused', 'The bucket is in another region. Tell who configured it.']],
]);
const byStatus = new Map<number, Meaning>([
  [403, forbidden],
  [404, noObject],
  [412, changed],
  [429, busy],
  [500, busy],
  [503, busy],
]);

export async function refuseAnswer(answer: FetchResponse): Promise<never> {
  const code = await codeOf(answer);
  refuse(...(byCode.get(code) ?? byStatus.get(answer.status) ?? otherwise));
}

/** Empty where it says none. */
async function codeOf(answer: FetchResponse): Promise<string> {
  let code = '';
  const text = (path: string, said: string): void => {
    if (path === 'Error/Code') code = said;
  };
  try {
    await readXml(answer.body, { text });
  } catch {
    return '';
  }
  return code;
}
