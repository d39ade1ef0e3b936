/** The conformance server on stdio, of one era: what is wrapped. */
import { serveStdio, StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { conformanceServer } from './server.ts';

// Connected by hand, a server of this SDK knows `initialize` alone.
if (process.env['WRAPPED_ERA'] === 'handshake') await conformanceServer().connect(new StdioServerTransport());
else serveStdio(conformanceServer, { legacy: 'reject' });
