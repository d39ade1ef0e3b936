/** The methods that list and use what connectors offer: tools, resources, prompts, completions. Each use is a call. */
import { CallToolRequestParamsSchema, SetLevelRequestParamsSchema } from '@modelcontextprotocol/core';
import { z } from 'zod';
import type { CallListener, Caller, CallOffer, OfferedTool } from '../contract/call.ts';
import { logLevelSchema } from '../contract/channels.ts';
import type { AskKind } from '../contract/manifest.ts';
import type { Asking } from './asking.ts';
import type { CallDesk, CallRequest } from './call-desk.ts';
import type { Listing, ListName } from './listing.ts';
import { askable } from './questions.ts';
import { isObject, type Json, type Request } from './request.ts';
import { errorLine, metaKeys, notificationLine, resultLine, rpcErrors, type RequestId } from './wire.ts';

/** Finds the hidden tool behind what is asked for. */
export interface OfferIndex {
  readonly resources: readonly unknown[];
  readonly templates: readonly unknown[];
  readonly prompts: readonly unknown[];
  readonly completes: boolean;
  resource(uri: string): { readonly tool: OfferedTool; readonly arguments: Json; readonly offer?: CallOffer } | null;
  prompt(name: string): OfferedTool | null;
  completion(ref: { readonly prompt?: string | undefined; readonly uri?: string | undefined }): OfferedTool | null;
}

export interface OfferDeps {
  readonly desk: CallDesk;
  readonly asking: Asking;
  readonly offers: OfferIndex;
  readonly list: (caller: Caller, what: ListName) => Listing;
  readonly caller: () => Caller;
  /** Whether the program may read this resource now. */
  readonly sees: (uri: string) => boolean;
  readonly stamp: (era: Request['era']) => string;
  /** Whether the client's revision has resource links. */
  readonly takesLinks: (era: Request['era']) => boolean;
  /** Of the 2025 era, as `initialize` declared them. */
  readonly client: () => readonly AskKind[];
}

type Handler = (request: Request) => void;
export type OfferMethods = Readonly<Record<string, Handler>>;

const noArguments: Json = Object.freeze({});
const severities = logLevelSchema.options;
const maxSubscribed = 100;
/** No tool's name: the call is refused by the first stage that has a reason, as any other. */
const noTool = '';

export interface OfferSession {
  readonly both: OfferMethods;
  readonly handshake: OfferMethods;
  isSubscribed(uri: string): boolean;
}

export function createOfferMethods(deps: OfferDeps): OfferSession {
  const { offers } = deps;
  const subscribed = new Set<string>();
  let level: string | undefined;
  const use = (request: Request, target: Target): void => {
    start(deps, request, { ...target, level: request.era === 'handshake' ? level : undefined });
  };
  const listed =
    (what: ListName, key: string = what): Handler =>
    (request) => {
      answerList(deps, request, { what, key });
    };
  return {
    isSubscribed: (uri) => subscribed.has(uri),
    both: {
      'tools/list': listed('tools'),
      'tools/call': (request) => {
        const parsed = CallToolRequestParamsSchema.safeParse(request.params);
        if (!parsed.success)
          refuse(request, `tools/call: ${where(parsed.error.issues[0]?.path)} is missing or has another type.`);
        // Parsed only to check: what goes on is the value that was frozen at the door.
        else use(request, { toolName: parsed.data.name, offer: 'tool', arguments: argumentsOf(request) });
      },
      ...(offers.resources.length + offers.templates.length === 0 ? {} : resourceMethods(offers, { use, listed })),
      ...(offers.prompts.length === 0 ? {} : promptMethods(offers, { use, listed })),
      ...(offers.completes ? { 'completion/complete': completionMethod(offers, use) } : {}),
    },
    handshake: {
      'logging/setLevel': (request) => {
        // eslint-disable-next-line @typescript-eslint/no-deprecated -- served as long as the revisions that have it
        const parsed = SetLevelRequestParamsSchema.safeParse(request.params);
        if (!parsed.success) refuse(request, 'logging/setLevel: "level" is missing or not one of the severities.');
        else {
          level = parsed.data.level;
          request.reply(resultLine(request.id, '{}'));
        }
      },
      ...(offers.resources.length + offers.templates.length === 0 ? {} : subscriptionMethods(deps, subscribed)),
    },
  };
}

interface Target {
  readonly toolName: string;
  readonly offer: CallOffer;
  readonly arguments: Json;
  readonly unknown?: string;
}

interface Ways {
  readonly use: (request: Request, target: Target) => void;
  readonly listed: (what: ListName, key?: string) => Handler;
}

function resourceMethods(offers: OfferIndex, { use, listed }: Ways): OfferMethods {
  return {
    'resources/list': listed('resources'),
    'resources/templates/list': listed('resourceTemplates'),
    'resources/read': (request) => {
      const uri = request.params['uri'];
      if (typeof uri !== 'string') {
        refuse(request, 'resources/read: "uri" is missing or no text.');
        return;
      }
      const found = offers.resource(uri);
      const { tool, arguments: given, offer = 'resource' } = found ?? { tool: null, arguments: { uri } };
      const unknown = noResource(request, uri);
      use(request, { toolName: tool?.name ?? noTool, offer, arguments: given, unknown });
    },
  };
}

function promptMethods(offers: OfferIndex, { use, listed }: Ways): OfferMethods {
  return {
    'prompts/list': listed('prompts'),
    'prompts/get': (request) => {
      const name = request.params['name'];
      const tool = typeof name === 'string' ? offers.prompt(name) : null;
      const unknown = invalidParams(request.id, 'There is no such prompt. prompts/list names those that there are.');
      use(request, { toolName: tool?.name ?? noTool, offer: 'prompt', arguments: argumentsOf(request), unknown });
    },
  };
}

const completeSchema = z.looseObject({
  ref: z.discriminatedUnion('type', [
    z.looseObject({ type: z.literal('ref/prompt'), name: z.string() }),
    z.looseObject({ type: z.literal('ref/resource'), uri: z.string() }),
  ]),
  argument: z.strictObject({ name: z.string(), value: z.string() }),
});

function completionMethod(offers: OfferIndex, use: Ways['use']): Handler {
  return (request) => {
    const parsed = completeSchema.safeParse(request.params);
    if (!parsed.success) {
      refuse(request, `completion/complete: ${where(parsed.error.issues[0]?.path)} is missing or has another type.`);
      return;
    }
    const { ref, argument } = parsed.data;
    const of = ref.type === 'ref/prompt' ? { prompt: ref.name } : { uri: ref.uri };
    const tool = offers.completion(of);
    const unknown = invalidParams(request.id, 'There is nothing of that name whose arguments can be completed.');
    use(request, { toolName: tool?.name ?? noTool, offer: 'completion', arguments: { ...of, ...argument }, unknown });
  };
}

function subscriptionMethods({ sees }: OfferDeps, subscribed: Set<string>): OfferMethods {
  const known = (request: Request, then: (uri: string) => void): void => {
    const uri = request.params['uri'];
    if (typeof uri !== 'string') refuse(request, '"uri" is missing or no text.');
    else if (!sees(uri)) request.reply(noResource(request, uri));
    else {
      then(uri);
      request.reply(resultLine(request.id, '{}'));
    }
  };
  return {
    'resources/subscribe': (request) => known(request, (uri) => subscribed.size < maxSubscribed && subscribed.add(uri)),
    'resources/unsubscribe': (request) => known(request, (uri) => subscribed.delete(uri)),
  };
}

function answerList(deps: OfferDeps, request: Request, { what, key }: { what: ListName; key: string }): void {
  const { id, params, era, reply } = request;
  if (params['cursor'] !== undefined) {
    refuse(request, 'The list has one page: send no cursor.');
    return;
  }
  const { json, ttlMs } = deps.list(deps.caller(), what);
  const caching = era === 'stateless' ? `,"ttlMs":${ttlMs},"cacheScope":"private"` : '';
  reply(resultLine(id, `{"${key}":${json}${caching}${deps.stamp(era)}}`));
}

function start(deps: OfferDeps, request: Request, target: Target & { readonly level: string | undefined }): void {
  const { id, params, era, reply, notify } = request;
  const { inputResponses, requestState } = params;
  if (inputResponses !== undefined && !isObject(inputResponses)) {
    refuse(request, '"inputResponses" must be an object.');
    return;
  }
  if (requestState !== undefined && typeof requestState !== 'string') {
    refuse(request, '"requestState" must be a text.');
    return;
  }
  const meta = isObject(params['_meta']) ? params['_meta'] : noArguments;
  const isRead = target.offer === 'resource' || target.offer === 'reference';
  const caching = isRead && era === 'stateless' ? ',"ttlMs":0,"cacheScope":"private"' : '';
  const { level, ...call } = target;
  deps.desk.start({
    ...call,
    id,
    era,
    stamp: caching + deps.stamp(era),
    takesLinks: deps.takesLinks(era),
    caller: deps.caller(),
    listener: listenerFor(notify, meta, level),
    client: era === 'handshake' ? deps.client() : askable(meta[metaKeys.clientCapabilities]),
    responses: inputResponses ?? noArguments,
    requestState,
    ask: era === 'stateless' ? null : (requests, signal) => deps.asking.ask(requests, { notify, signal }),
    reply,
  } satisfies CallRequest);
}

/** Only what the program asked to hear. */
function listenerFor(notify: Request['notify'], meta: Json, sessionLevel: string | undefined): CallListener {
  const { progressToken } = meta;
  const wanted = typeof progressToken === 'string' || typeof progressToken === 'number';
  const named = meta[metaKeys.logLevel];
  const least = severities.findIndex((severity) => severity === (named ?? sessionLevel));
  return {
    ...(wanted
      ? { progress: (note) => notify(notificationLine('notifications/progress', { progressToken, ...note })) }
      : {}),
    ...(least === -1
      ? {}
      : {
          message: ({ level, data }) => {
            if (severities.findIndex((severity) => severity === level) < least) return;
            notify(notificationLine('notifications/message', { level, logger: 'sallyport', data }));
          },
        }),
  };
}

function argumentsOf({ params }: Request): Json {
  const given = params['arguments'];
  return isObject(given) ? given : noArguments;
}

function noResource({ id, era }: Request, uri: string): string {
  const number = era === 'stateless' ? rpcErrors.invalidParams : rpcErrors.resourceNotFound;
  const say = 'There is no such resource. resources/list names those that there are.';
  return errorLine({ id, number, say, data: { code: 'malformed', uri: uri.slice(0, 1000) } });
}

function refuse({ id, reply }: Request, say: string): void {
  reply(invalidParams(id, say));
}

export function invalidParams(id: RequestId, say: string): string {
  return errorLine({ id, number: rpcErrors.invalidParams, say, data: { code: 'malformed' } });
}

export function where(path: readonly PropertyKey[] | undefined): string {
  return path === undefined || path.length === 0 ? '"params"' : `"${path.map(String).join('.').slice(0, 80)}"`;
}
