/** A server that answers what a test wants, without a network, in place of the exchanges' dialler. */
import type { DialOrigins, HttpsAnswer, HttpsRequest } from '../../main/identity/discovery.ts';

export type Answers = (request: HttpsRequest) => Partial<HttpsAnswer> & { readonly json?: unknown };
/** Records what was asked and of whom. */
export function server(answers: Answers): { readonly dial: DialOrigins; readonly asked: HttpsRequest[] } {
  const asked: HttpsRequest[] = [];
  const dial: DialOrigins = () => (request) => {
    asked.push(request);
    const { json, status = 200, headers = { 'content-type': 'application/json' }, body = '' } = answers(request);
    return Promise.resolve({ status, headers, body: json === undefined ? body : JSON.stringify(json) });
  };
  return { dial, asked };
}
