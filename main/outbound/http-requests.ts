/**
 * Serves one `request` stream of a connector: checked, signed, sent, and its answer handed back filtered.
 * Guarantees: nothing is sent that a rule does not allow, nor to another host than the configured one, redirects included;
 * no copy of the credential comes back, in head or body; every byte back is counted against the ticket.
 * Trusts: tickets, credentials, and `node:http` for framing. Does not protect against: what an allowed path does.
 */
import type { IncomingMessage } from 'node:http';
import type { ByteStream } from '../contract/channel.ts';
import type { ClaimsChallenge } from '../contract/challenge.ts';
import { Fault, outcomeCodeSchema, type OutcomeCode } from '../contract/errors.ts';
import type { HttpMethod, HttpRequest } from '../contract/http.ts';
import type { Credential, Credentials } from './credentials.ts';
import { createEchoFilter } from './echo-filter.ts';
import { handBack } from './http-answer.ts';
import { readBody } from './http-body.ts';
import type { HttpDestination } from './http-destination.ts';
import { asFault, type Exchanger } from './http-exchange.ts';
import { requestHeaders, type Header } from './http-headers.ts';
import { isAllowed, plainPath } from './http-path.ts';
import { redirectOf, type Target } from './http-redirect.ts';
import type { SessionQueue } from './session-queue.ts';
import type { Cut, Link } from './tickets.ts';

export interface HttpRequests {
  /** Never rejects; resolves when the request is over. */
  serve(link: Link, request: HttpRequest, stream: ByteStream): Promise<void>;
  /** Ends every connection. */
  drop(): void;
}

export interface HttpPlace {
  readonly destination: HttpDestination;
  readonly exchanger: Exchanger;
  readonly queue: SessionQueue;
}

export interface HttpRequestsDeps {
  readonly places: ReadonlyMap<string, HttpPlace>;
  readonly credentials: Credentials;
  /** What a service asks of the next sign-in; undefined: nothing that reads. */
  readonly readChallenge: (header: string | undefined) => ClaimsChallenge | undefined;
  /** Tells the vault; answers with what the call ends with. */
  readonly challenged: (destination: string, challenge: ClaimsChallenge) => Promise<OutcomeCode>;
  readonly now?: () => number;
}

const maxRedirects = 5;
/** A token that a service does not take is asked for anew, but not for each refusal of it. */
const leastAgeMs = 30_000;

interface Under {
  readonly place: HttpPlace;
  readonly link: Link;
  readonly request: HttpRequest;
  readonly stream: ByteStream;
  readonly signal: AbortSignal;
}

export function createHttpRequests(deps: HttpRequestsDeps): HttpRequests {
  const { places, credentials, now = Date.now } = deps;

  const refuseUnauthorized = async (link: Link, answer: IncomingMessage, credential: Credential): Promise<void> => {
    const isChallenge = answer.statusCode === 401;
    const challenge = isChallenge ? deps.readChallenge(answer.headers['www-authenticate']) : undefined;
    if (challenge !== undefined) throw new Fault(await deps.challenged(link.destination, challenge), 'Sign in again.');
    if (now() - credential.issuedAt > leastAgeMs) credentials.discard(credential);
  };

  const exchange = async (under: Under, credential: Credential | undefined): Promise<void> => {
    const { link, stream } = under;
    const answer = await follow(under, credential);
    try {
      const { refusals = [], own = [] } = under.place.destination.presenter ?? {};
      if (credential !== undefined && refusals.includes(answer.statusCode ?? 0))
        await refuseUnauthorized(link, answer, credential);
      const filter = () => createEchoFilter(credential?.needles ?? [], 1);
      await handBack(answer, { link, stream, filter, own, isSigned: credential !== undefined });
    } catch (error) {
      answer.destroy();
      throw error;
    }
  };

  const signedIn = async (under: Under): Promise<void> => {
    const { link, place } = under;
    if (place.destination.presenter === undefined) return exchange(under, undefined);
    const { destination, subject, deadlineAt: until } = link;
    const credential = await credentials.obtain(destination, { subject, until });
    const release = credential.hold();
    const expiry = setTimeout(() => {
      link.cut('access_ended');
    }, credential.validUntil - now());
    try {
      await exchange(under, credential);
    } finally {
      clearTimeout(expiry);
      release();
    }
  };

  return {
    serve: async (link, request, stream) => {
      const gone = new AbortController();
      link.signal.addEventListener('abort', () => {
        stream.reset((link.signal.reason as Cut).tell);
      });
      void stream.closed.then(() => {
        gone.abort();
      });
      let leave: (() => void) | undefined;
      try {
        const place = places.get(link.destination);
        if (place === undefined) throw notAllowed();
        const signal = AbortSignal.any([link.signal, gone.signal]);
        const under = { place, link, request, stream, signal };
        refuseOther(under);
        leave = await place.queue.enter({ program: link.program, signal });
        await signedIn(under);
        link.end();
      } catch (error) {
        const fault = asFault(error);
        const code = gone.signal.aborted ? 'connector_failed' : codeOf(fault);
        link.end(code, fault.message);
        stream.reset(code);
      } finally {
        leave?.();
      }
    },
    drop: () => {
      for (const { exchanger } of places.values()) exchanger.drop();
    },
  };
}

const notAllowed = (): Fault =>
  new Fault('destination_not_allowed', 'This request is outside what manifest and configuration allow.');

/** Before anything is asked for. */
function refuseOther({ place, request }: Under): void {
  const { destination } = place;
  const path = plainPath(request.path);
  const headers = requestHeaders(request.headers, destination.presenter?.own ?? []);
  if (path === undefined || headers === undefined || !isAllowed(request.method, path, destination.rules))
    throw notAllowed();
  if (request.method === 'HEAD' && request.bodyBytes !== undefined) throw notAllowed();
}

/** The first answer that is no redirect. Each step is checked as the first request was. */
async function follow(under: Under, credential: Credential | undefined): Promise<IncomingMessage> {
  const { place, request, link, stream } = under;
  const body = await readBody(stream, {
    bytes: request.bodyBytes ?? 0,
    whole: place.destination.presenter?.needsBody === true,
    broken: () => {
      link.cut('connector_failed');
    },
  });
  let target: Target = { method: request.method, path: request.path, hasBody: request.bodyBytes !== undefined };
  for (let step = 0; step <= maxRedirects; step += 1) {
    const path = plainPath(target.path);
    if (path === undefined || !isAllowed(target.method, path, place.destination.rules)) throw notAllowed();
    const headers = headersOf(under, target);
    const whole = target.hasBody ? body.whole : new Uint8Array();
    const answer = await place.exchanger.send({
      ...signed(under, { method: target.method, path: path.text, headers, body: whole }, credential),
      method: target.method,
      path: path.text,
      body: target.hasBody ? body.chunks : undefined,
      signal: under.signal,
      dialled: (address) => {
        link.dialled(address);
      },
      sent: (bytes) => {
        link.sent(bytes);
      },
    });
    const next = redirectOf(answer, target, place.destination.host);
    if (next === undefined) return answer;
    answer.destroy();
    if (next === 'elsewhere') throw notAllowed();
    target = next;
  }
  throw new Fault('backend_refused', 'The server redirects without an end.');
}

const emptyMethods = new Set<HttpMethod>(['POST', 'PUT', 'PATCH']);

function headersOf({ place, request }: Under, { method, hasBody }: Target): Header[] {
  const { destination } = place;
  const length = hasBody ? request.bodyBytes : emptyMethods.has(method) ? 0 : undefined;
  const given = requestHeaders(request.headers, destination.presenter?.own ?? []) ?? [];
  return [
    ['host', destination.host],
    ...(hasBody ? given : given.filter(([name]) => !name.startsWith('content-'))),
    // What is compressed cannot be searched for the credential.
    ['accept-encoding', 'identity'],
    ['connection', 'keep-alive'],
    ...(length === undefined ? [] : [['content-length', String(length)] as const]),
  ];
}

interface Unsent {
  readonly method: HttpMethod;
  readonly path: string;
  readonly headers: readonly Header[];
  readonly body: Uint8Array;
}

function signed({ place }: Under, { headers, ...rest }: Unsent, credential: Credential | undefined) {
  const { presenter, host } = place.destination;
  if (presenter === undefined || credential === undefined) return { headers, insertions: [] };
  const presented = presenter.present({ ...rest, headers, host }, credential);
  return { headers: [...headers, ...presented.headers], insertions: presented.insertions };
}

function codeOf(fault: Fault): OutcomeCode {
  const code = outcomeCodeSchema.safeParse(fault.code);
  return code.success ? code.data : 'internal';
}
