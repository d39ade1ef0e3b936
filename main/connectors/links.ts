/**
 * The gateway's ends of each connector's pair: taken over when the shell hands them over, replaced when the pair was
 * restarted. A connector counts as there once it has taken its settings.
 */
import type { Channel } from '../contract/channel.ts';
import type { gatewayConnector, gatewayEgress } from '../contract/channels.ts';
import type { ConnectorState } from '../contract/shell-channels.ts';
import type { Pair } from './dispatch.ts';

type ConnectorChannel = Channel<typeof gatewayConnector.a>;
type EgressChannel = Channel<typeof gatewayEgress.a>;

export interface Links {
  attachConnector(name: string, channel: ConnectorChannel): void;
  attachEgress(name: string, channel: EgressChannel): void;
  /** The channel closed; one that was replaced already changes nothing. */
  detach(name: string, channel: ConnectorChannel | EgressChannel): void;
  pairOf(name: string): Pair;
  /** From the configuration; connectors attached before it wait for it. */
  configure(settings: ReadonlyMap<string, Readonly<Record<string, unknown>>>): void;
  /** What the shell says of it. `starting`: what was attached is of a pair that is over. */
  told(name: string, state: ConnectorState): void;
  /** Resolves when it has taken its settings or the shell gave it up. */
  configured(name: string): Promise<void>;
  /** So has each. */
  settled(): Promise<void>;
}

interface Link {
  connector: ConnectorChannel | null;
  egress: EgressChannel | null;
  ready: boolean;
  givenUp: boolean;
  waiting: (() => void)[];
}

const configureTimeoutMs = 10_000;

export function createLinks(): Links {
  const links = new Map<string, Link>();
  let settings: ReadonlyMap<string, Readonly<Record<string, unknown>>> | null = null;

  function linkOf(name: string): Link {
    const link = links.get(name) ?? { connector: null, egress: null, ready: false, givenUp: false, waiting: [] };
    links.set(name, link);
    return link;
  }

  function wake(link: Link): void {
    for (const resolve of link.waiting.splice(0)) resolve();
  }

  async function configured(name: string): Promise<void> {
    const link = linkOf(name);
    if (link.ready || link.givenUp) return;
    await new Promise<void>((resolve) => link.waiting.push(resolve));
  }

  async function greet(name: string, channel: ConnectorChannel): Promise<void> {
    const own = settings?.get(name);
    if (own === undefined) return;
    try {
      await channel.request('configure', { settings: { ...own } }, { timeoutMs: configureTimeoutMs });
    } catch {
      channel.close();
      return;
    }
    const link = linkOf(name);
    if (link.connector !== channel) return;
    link.ready = true;
    wake(link);
  }

  return {
    attachConnector(name, channel) {
      const link = linkOf(name);
      const former = link.connector;
      Object.assign(link, { connector: channel, ready: false, givenUp: false });
      former?.close();
      void greet(name, channel);
    },
    attachEgress(name, channel) {
      const link = linkOf(name);
      const former = link.egress;
      link.egress = channel;
      former?.close();
    },
    detach(name, channel) {
      const link = linkOf(name);
      if (link.egress === channel) link.egress = null;
      if (link.connector !== channel) return;
      link.connector = null;
      link.ready = false;
    },
    pairOf(name) {
      const { connector, egress, ready, givenUp } = linkOf(name);
      return { connector: ready ? connector : null, egress, givenUp };
    },
    configure(known) {
      settings = known;
      for (const [name, { connector }] of links) if (connector !== null) void greet(name, connector);
    },
    told(name, state) {
      const link = linkOf(name);
      link.givenUp = state === 'failed' || state === 'suspended';
      if (state === 'starting') link.ready = false;
      if (link.givenUp) wake(link);
    },
    configured,
    async settled() {
      await Promise.all([...(settings?.keys() ?? [])].map(configured));
    },
  };
}
