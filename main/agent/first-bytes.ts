/** INTERFACE "The socket": the first bytes tell JSON-RPC lines from HTTP/1.1. */

const methods = ['GET ', 'POST ', 'PUT ', 'DELETE ', 'HEAD ', 'OPTIONS ', 'PATCH ', 'CONNECT ', 'TRACE ', 'PRI * '];

export function firstBytes(head: Buffer): 'json-rpc' | 'http' | 'undecided' {
  const start = head.toString('latin1', 0, 8);
  if (methods.some((method) => start.startsWith(method))) return 'http';
  return methods.some((method) => method.startsWith(start)) ? 'undecided' : 'json-rpc';
}

const body = '{"error":"MCP over HTTP is not served here yet; send newline-delimited JSON-RPC."}\n';
export const notImplemented =
  'HTTP/1.1 501 Not Implemented\r\n' +
  `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`;
