/** INTERFACE "The socket": the first bytes tell JSON-RPC lines from HTTP/1.1. */

const methods = ['GET ', 'POST ', 'PUT ', 'DELETE ', 'HEAD ', 'OPTIONS ', 'PATCH ', 'CONNECT ', 'TRACE ', 'PRI * '];

export function firstBytes(head: Buffer): 'json-rpc' | 'http' | 'undecided' {
  const start = head.toString('latin1', 0, 8);
  if (methods.some((method) => start.startsWith(method))) return 'http';
  return methods.some((method) => method.startsWith(start)) ? 'undecided' : 'json-rpc';
}
