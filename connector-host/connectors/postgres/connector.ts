/** PostgreSQL for agents: what is there, reading SQL, and aggregates without SQL. It never sees a password. */
import { defineConnector, refuse, type Call } from '../../sdk/sdk.ts';
import { aggregate } from './aggregate.ts';
import { createParser, type Parse } from './parser.ts';
import { query } from './query.ts';
import { parseSettings, type Settings } from './settings.ts';
import { describeTable, listTables } from './tables.ts';

interface Ready {
  readonly settings: Settings;
  readonly parse: Parse;
}

let ready: Ready | undefined;

type Handler = (call: Call, settings: Settings, parse: Parse) => Promise<unknown>;

/** The gateway has checked arguments already: a handler that still finds them wrong says so without a stack. */
function tool(handler: Handler): (call: Call) => Promise<unknown> {
  return async (call) => {
    if (ready === undefined) refuse('connector_failed', 'The connector is not ready yet. Try again.');
    try {
      return await handler(call, ready.settings, ready.parse);
    } catch (error) {
      if (error instanceof Error && error.name === 'ZodError')
        refuse('invalid_arguments', "The arguments do not fit the tool's schema.");
      throw error;
    }
  };
}

export const connector = defineConnector({
  async configure(settings) {
    ready = { settings: parseSettings(settings), parse: await createParser() };
  },
  tools: {
    list_tables: tool(listTables),
    describe_table: tool(describeTable),
    query: tool(query),
    aggregate: tool(aggregate),
  },
});
