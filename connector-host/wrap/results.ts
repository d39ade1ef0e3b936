/** What a wrapped server answers, as the gateway lets it out: the members that MCP names, and no other. */
import { isJson, type Json } from './rpc.ts';

const annotationMembers = ['audience', 'priority', 'lastModified'];
const resourceMembers = ['uri', 'mimeType', 'text', 'blob'];
const blockMembers: Readonly<Record<string, readonly string[]>> = {
  text: ['text'],
  image: ['data', 'mimeType'],
  audio: ['data', 'mimeType'],
  resource: [],
  resource_link: ['uri', 'name', 'title', 'description', 'mimeType', 'size'],
};

export function toolResult(result: Json, isStructured: boolean): Json {
  const { content, structuredContent, isError } = result;
  return {
    content: Array.isArray(content) ? content.filter(isJson).map(block) : [],
    ...(isStructured && isJson(structuredContent) ? { structuredContent } : {}),
    ...(isError === true ? { isError } : {}),
  };
}

export function resourceResult({ contents }: Json): Json {
  return {
    contents: Array.isArray(contents) ? contents.filter(isJson).map((each) => pick(each, resourceMembers)) : [],
  };
}

export function promptResult({ messages, description }: Json): Json {
  const said = Array.isArray(messages) ? messages.filter(isJson) : [];
  return {
    messages: said.map(({ role, content }) => ({ role, content: isJson(content) ? block(content) : content })),
    ...(typeof description === 'string' ? { description } : {}),
  };
}

export function completionResult({ completion }: Json): Json {
  return { completion: isJson(completion) ? pick(completion, ['values', 'total', 'hasMore']) : { values: [] } };
}

function block(given: Json): Json {
  const { type, annotations, resource } = given;
  const members = blockMembers[String(type)] ?? [];
  return {
    type,
    ...pick(given, members),
    ...(type === 'resource' && isJson(resource) ? { resource: pick(resource, resourceMembers) } : {}),
    ...(isJson(annotations) ? { annotations: pick(annotations, annotationMembers) } : {}),
  };
}

function pick(from: Json, members: readonly string[]): Json {
  return Object.fromEntries(members.filter((name) => Object.hasOwn(from, name)).map((name) => [name, from[name]]));
}
