/** Asks the storage for whatever it is told, and checks nothing: only the storage can refuse. */
import { defineConnector } from '../../../connector-host/sdk/sdk.ts';

interface Asked {
  readonly path: string;
  readonly headers?: readonly (readonly [string, string])[];
}

export const connector = defineConnector({
  tools: {
    ask: async (call) => {
      const { path, headers = [] } = call.arguments as unknown as Asked;
      const answer = await call.fetch('objects', { path, headers: Object.fromEntries(headers) });
      return { status: answer.status, text: await answer.text() };
    },
  },
});
