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
const subscriptionKey = 'io.modelcontextprotocol/subscriptionId';

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
  return new Between(deps);
}

class Between implements Conversation {
  readonly #deps: ConversationDeps;
  readonly #inFlight = new Map<string, Message>();
  readonly #listens = new Map<string, Buffer>();
  /** Answers and acknowledgements to what the bridge itself sent. */
  readonly #own = new Map<string, () => void>();
  #upstream: Upstream | undefined;
  #handshake: Message | undefined;
  #connections = 0;
  #reconnecting = false;
  #finishing: (() => void) | undefined;

  constructor(deps: ConversationDeps) {
    this.#deps = deps;
  }

  async start(): Promise<void> {
    if (await this.#connect()) return;
    this.#deps.notRunning();
    void this.#reconnect();
  }

  async take(bytes: Buffer): Promise<void> {
    const message = readMessage(bytes);
    if (message) this.#note(message, bytes);
    const to = this.#upstream;
    if (to) await to.send(bytes);
    else if (message) this.#answer(this.#deps.answerClosed(message));
  }

  resume(): void {
    this.#upstream?.resume();
  }

  async finish(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#finishing = resolve;
      if (this.#inFlight.size === 0) resolve();
    });
    this.#upstream?.end();
  }

  /** What a later connection must be told again, and what must be answered if this one ends. */
  #note(message: Message, bytes: Buffer): void {
    const { id, method, params } = message;
    if (method === 'notifications/cancelled') {
      const cancelled = JSON.stringify(member(params, 'requestId'));
      this.#inFlight.delete(cancelled);
      this.#listens.delete(cancelled);
    }
    if (id === undefined || method === undefined) return;
    if (method === 'initialize') this.#handshake = message;
    if (method === 'subscriptions/listen') this.#listens.set(JSON.stringify(id), bytes);
    else if (this.#upstream) this.#inFlight.set(JSON.stringify(id), message);
  }

  #answer(answer: string | undefined): void {
    if (answer !== undefined) this.#deps.write(answer);
  }

  #fromGateway(bytes: Buffer): void {
    if (this.#isForBridge(bytes)) return;
    const id = answeredId(bytes);
    if (id !== undefined) {
      const key = JSON.stringify(id);
      if (this.#inFlight.get(key)?.method === 'tools/list') this.#remember(bytes);
      this.#inFlight.delete(key);
    }
    if (!this.#deps.write(bytes)) this.#upstream?.pause();
    if (this.#inFlight.size === 0) this.#finishing?.();
  }

  #isForBridge(bytes: Buffer): boolean {
    if (this.#own.size === 0) return false;
    const { method, params, id } = readMessage(bytes) ?? {};
    const key =
      method === 'notifications/subscriptions/acknowledged'
        ? `listen ${JSON.stringify(member(member(params, '_meta'), subscriptionKey))}`
        : JSON.stringify(id);
    const settle = this.#own.get(key);
    settle?.();
    return this.#own.delete(key);
  }

  #remember(bytes: Buffer): void {
    const tools = member(member(JSON.parse(bytes.toString('utf8')), 'result'), 'tools');
    if (Array.isArray(tools)) this.#deps.cache.write(tools);
  }

  async #connect(): Promise<boolean> {
    let isOpen = true;
    const opened = await this.#deps.connect({
      line: (bytes) => this.#fromGateway(bytes),
      closed: () => {
        isOpen = false;
        this.#lost();
      },
    });
    if (!opened) return false;
    await this.#introduce(opened);
    // It may have ended meanwhile; then `#lost` has begun again already.
    const isStillOpen = (): boolean => isOpen;
    if (isStillOpen()) this.#upstream = opened;
    return isStillOpen();
  }

  /** The gateway's state of this conversation is made again; the agent saw the answers long ago. */
  async #introduce(to: Upstream): Promise<void> {
    const { agent } = this.#deps;
    if (agent !== undefined) await to.send(line({ method: 'notifications/sallyport/agent', params: { agent } }));
    if (this.#handshake) {
      this.#connections += 1;
      const id = `sallyport-bridge-${this.#connections}`;
      const answered = new Promise<void>((resolve) => this.#own.set(JSON.stringify(id), resolve));
      await to.send(line({ id, method: 'initialize', params: this.#handshake.params }));
      await answered;
      await to.send(line({ method: 'notifications/initialized' }));
    }
    for (const [key, listen] of this.#listens) {
      this.#own.set(`listen ${key}`, () => undefined);
      await to.send(listen);
    }
  }

  #lost(): void {
    this.#upstream = undefined;
    for (const settle of this.#own.values()) settle();
    this.#own.clear();
    const broken = [...this.#inFlight.values()];
    this.#inFlight.clear();
    for (const message of broken) {
      this.#answer(message.method === 'tools/call' ? brokenCall(message) : this.#deps.answerClosed(message));
    }
    this.#finishing?.();
    this.#deps.notRunning();
    void this.#reconnect();
  }

  async #reconnect(): Promise<void> {
    if (this.#reconnecting) return;
    this.#reconnecting = true;
    while (!this.#upstream && !this.#finishing) {
      await new Promise((resolve) => setTimeout(resolve, reconnectMs).unref());
      if (await this.#connect()) this.#announce();
    }
    this.#reconnecting = false;
  }

  /** Tools may be others than the closed answers said. */
  #announce(): void {
    if (this.#handshake) this.#deps.write(toolsChanged());
    for (const key of this.#listens.keys()) this.#deps.write(toolsChanged(JSON.parse(key) as RequestId));
  }
}
