/** How a connector asks the client in the middle of a call. The host tells it by its mark: bundles do not share classes. */

export type AskKind = 'elicitation' | 'sampling' | 'roots';

/** `params` as MCP's elicitation/create, sampling/createMessage and roots/list have them. */
export interface Question {
  readonly kind: AskKind;
  readonly params: Readonly<Record<string, unknown>>;
}

/** By keys of the connector's own. */
export type Questions = Readonly<Record<string, Question>>;

const mark = Symbol.for('sallyport.connector-question');

export class ConnectorQuestion extends Error {
  readonly requests: Questions;
  readonly state: string | undefined;

  constructor(requests: Questions, state: string | undefined) {
    super('the connector asks');
    Object.defineProperty(this, mark, { value: true });
    this.requests = requests;
    this.state = state;
  }
}

/**
 * Ends the call here; it is made again from its start, with `call.answers` and `call.state`. Only kinds that the tool's
 * manifest declares and `call.client` has are passed on. An answer is an agent's word: it approves nothing.
 */
export function ask(requests: Questions, state?: string): never {
  throw new ConnectorQuestion(requests, state);
}

export function isConnectorQuestion(error: unknown): error is ConnectorQuestion {
  return error instanceof Error && mark in error;
}
