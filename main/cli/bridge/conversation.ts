/**
 * Between one agent and the gateway, through every end and start of Sallyport. Guarantees: lines pass unchanged in both
 * directions; every request is answered once, by the gateway or here; a tool call is never sent twice. Trusts: the
 * gateway to check everything; this program has no authority and nothing worth stealing.
 */
import { answeredId, member, readMessage, type Message, type RequestId } from './message.ts';
import { brokenCall, line, toolsChanged } from './closed-answers.ts';
import type { ToolsCache } from './tools-cache.ts';
import type { Upstream, UpstreamListener } from './upstream.ts';

const reconnectMs = 500;
const acknowledgement = '{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged"';

export interface ConversationDeps {
  readonly connect: (listener: UpstreamListener) => Promise<Upstream | undefined>;
  readonly answerClosed: (message: Message) => string | undefined;
  readonly cache: ToolsCache;
  /** Label of the program that started us, as it was told on our command line. */
  readonly agent: string | undefined;
  /** To the agent; false when it should be given time. */
  readonly write: (line: Buffer | string) => boolean;
  readonly notRunning: () => void;
}

export interface Conversation {
  /** The first try to connect; later ones go on by themselves. */
  start(): Promise<void>;
  /** One line of the agent. Resolves when the next may come. */
  take(bytes: Buffer): Promise<void>;
  /** The agent reads again. */
  resume(): void;
  /** The agent says nothing more: resolves when everything it asked is answered. */
  finish(): Promise<void>;
}

export function createConversation(deps: ConversationDeps): Conversation {
  const inFlight = new Map<string, Message>();
  const listens = new Map<RequestId, Buffer>();
  /** Answers and acknowledgements to what the bridge itself sent. */
  const own = new Map<string, () => void>();
  let upstream: Upstream | undefined;
  let handshake: Message | undefined;
  let connections = 0;
  let finishing: (() => void) | undefined;

  function fromGateway(bytes: Buffer): void {
    if (bytes.toString('latin1', 0, acknowledgement.length) === acknowledgement && isOwnAcknowledgement(bytes)) return;
    const id = answeredId(bytes);
    if (id !== undefined) {
      const key = JSON.stringify(id);
      const waiting = own.get(key);
      if (waiting) {
        own.delete(key);
        waiting();
        return;
      }
      const asked = inFlight.get(key);
      inFlight.delete(key);
      if (asked?.method === 'tools/list') remember(bytes);
    }
    if (!deps.write(bytes)) upstream?.pause();
    if (inFlight.size === 0) finishing?.();
  }

  function isOwnAcknowledgement(bytes: Buffer): boolean {
    const id = member(member(readMessage(bytes)?.params, '_meta'), 'io.modelcontextprotocol/subscriptionId');
    return own.delete(`listen ${JSON.stringify(id)}`);
  }

  function remember(bytes: Buffer): void {
    const tools = member(member(JSON.parse(bytes.toString('utf8')), 'result'), 'tools');
    if (Array.isArray(tools)) deps.cache.write(tools);
  }

  function lost(): void {
    upstream = undefined;
    for (const answered of own.values()) answered();
    own.clear();
    const broken = [...inFlight.values()];
    inFlight.clear();
    for (const message of broken) answerHere(message, message.method === 'tools/call' ? brokenCall(message) : deps.answerClosed(message));
    finishing?.();
    deps.notRunning();
    void reconnect();
  }

  async function reconnect(): Promise<void> {
    while (!upstream && !finishing) {
      await new Promise((resolve) => setTimeout(resolve, reconnectMs).unref());
      if (await connect()) announce();
    }
  }

  async function connect(): Promise<boolean> {
    const opened = await deps.connect({ line: fromGateway, closed: lost });
    if (!opened) return false;
    connections += 1;
    if (deps.agent !== undefined) await opened.send(line({ method: 'notifications/sallyport/agent', params: { agent: deps.agent } }));
    if (handshake) await repeatHandshake(opened, handshake);
    for (const [id, listen] of listens) {
      own.set(`listen ${JSON.stringify(id)}`, () => undefined);
      await opened.send(listen);
    }
    upstream = opened;
    return true;
  }

  /** The gateway's state of this connection is made again; the agent saw its answer long ago. */
  async function repeatHandshake(opened: Upstream, { params }: Message): Promise<void> {
    const id = `sallyport-bridge-${connections}`;
    const answered = new Promise<void>((resolve) => own.set(JSON.stringify(id), resolve));
    await opened.send(line({ id, method: 'initialize', params }));
    await answered;
    await opened.send(line({ method: 'notifications/initialized' }));
  }

  function announce(): void {
    if (handshake) deps.write(toolsChanged());
    for (const id of listens.keys()) deps.write(toolsChanged(id));
  }

  function answerHere(message: Message, answer: string | undefined): void {
    if (answer !== undefined) deps.write(answer);
    note(message);
  }

  /** What a later connection must be told again. */
  function note(message: Message): void {
    if (message.method === 'initialize') handshake = message;
  }

  return {
    async start() {
      if (await connect()) return;
      deps.notRunning();
      void reconnect();
    },
    async take(bytes) {
      const message = readMessage(bytes);
      if (message?.method === 'subscriptions/listen' && message.id !== undefined) listens.set(message.id, bytes);
      if (message?.method === 'notifications/cancelled') listens.delete(member(message.params, 'requestId') as RequestId);
      const to = upstream;
      if (!to) {
        if (message) answerHere(message, deps.answerClosed(message));
        return;
      }
      if (message?.id !== undefined && message.method !== undefined && message.method !== 'subscriptions/listen') {
        inFlight.set(JSON.stringify(message.id), message);
        note(message);
      }
      await to.send(bytes);
    },
    resume: () => upstream?.resume(),
    async finish() {
      await new Promise<void>((resolve) => {
        finishing = resolve;
        if (inFlight.size === 0) resolve();
      });
      upstream?.end();
    },
  };
}
