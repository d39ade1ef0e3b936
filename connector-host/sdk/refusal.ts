/** How a connector says no. The host tells it from a mistake by its mark, not its class: bundles do not share classes. */

/** `invalid_arguments`: the caller can mend it. `not_permitted`: the person may not. The rest: the backend, or us. */
export type ConnectorCode =
  'invalid_arguments' | 'not_permitted' | 'connector_failed' | 'backend_refused' | 'backend_unreachable';

const mark = Symbol.for('sallyport.connector-refusal');

export class ConnectorRefusal extends Error {
  readonly code: ConnectorCode;

  constructor(code: ConnectorCode, say: string) {
    super(say);
    Object.defineProperty(this, mark, { value: true });
    this.name = 'ConnectorRefusal';
    this.code = code;
  }
}

/** Ends the call. `say` is one sentence for a model: what it may do instead; never a backend's text or a value. */
export function refuse(code: ConnectorCode, say: string): never {
  throw new ConnectorRefusal(code, say);
}

export function isConnectorRefusal(error: unknown): error is ConnectorRefusal {
  return error instanceof Error && mark in error;
}
