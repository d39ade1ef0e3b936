/** `subscriptions/listen` (MCP 2026-07-28): each program hears what it asked to hear, on that request's own stream. */
import { SubscriptionFilterSchema } from '@modelcontextprotocol/core';
import type { Request, Sink } from './request.ts';
import { errorLine, metaKeys, notificationLine, rpcErrors, type RequestId } from './wire.ts';

/** What changed; `offers` are the kinds of lists that this server has. */
export type Change = 'tools' | 'prompts' | 'resources';

export interface Subscriptions {
  listen(request: Request): void;
  listsChanged(): void;
  resourceUpdated(uri: string): void;
  end(id: RequestId): void;
  clear(): void;
}

interface Subscription extends Sink {
  readonly lists: readonly Change[];
  readonly uris: readonly string[];
}

const max = 8;
const maxUris = 100;
const filterNames = {
  tools: 'toolsListChanged',
  prompts: 'promptsListChanged',
  resources: 'resourcesListChanged',
} as const;

export function createSubscriptions(lists: readonly Change[]): Subscriptions {
  const held = new Map<RequestId, Subscription>();

  function tell(id: RequestId, method: string, params: Readonly<Record<string, unknown>> = {}): void {
    held.get(id)?.notify(notificationLine(method, { ...params, _meta: { [metaKeys.subscription]: id } }));
  }

  return {
    listen({ id, params, reply, notify }) {
      const filter = SubscriptionFilterSchema.safeParse(params['notifications']);
      if (!filter.success || held.size >= max || held.has(id)) {
        const say = `Name the notifications; at most ${max} subscriptions, each with its own id.`;
        reply(errorLine({ id, number: rpcErrors.invalidParams, say, data: { code: 'malformed' } }));
        return;
      }
      const wanted = lists.filter((list) => filter.data[filterNames[list]] === true);
      const uris = lists.includes('resources') ? (filter.data.resourceSubscriptions ?? []).slice(0, maxUris) : [];
      held.set(id, { reply, notify, lists: wanted, uris });
      const notifications = {
        ...Object.fromEntries(wanted.map((list) => [filterNames[list], true])),
        ...(uris.length === 0 ? {} : { resourceSubscriptions: uris }),
      };
      tell(id, 'notifications/subscriptions/acknowledged', { notifications });
    },
    listsChanged() {
      for (const [id, subscription] of held)
        for (const list of subscription.lists) tell(id, `notifications/${list}/list_changed`);
    },
    resourceUpdated(uri) {
      for (const [id, { uris }] of held) if (uris.includes(uri)) tell(id, 'notifications/resources/updated', { uri });
    },
    end(id) {
      held.get(id)?.reply(null);
      held.delete(id);
    },
    clear: () => held.clear(),
  };
}
