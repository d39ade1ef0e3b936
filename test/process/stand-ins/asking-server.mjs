// One request a line of its standard input, one answer a line of its standard output: by Node's own client, as any server would.
import http from 'node:http';
import https from 'node:https';
import process from 'node:process';
import readline from 'node:readline';

/** @param {{ url: string, body?: string, method?: string, headers?: Record<string, string>, servername?: string }} given */
const ask = ({ url, body, ...options }) =>
  new Promise((resolve) => {
    const failed = (/** @type {any} */ error) => resolve({ failed: error.code ?? error.message });
    const request = (url.startsWith('https:') ? https : http).request(url, { agent: false, ...options }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (piece) => (text += piece));
      answer.on('end', () => resolve({ status: answer.statusCode, text })).on('error', failed);
    });
    request.on('error', failed).end(body);
  });

for await (const line of readline.createInterface({ input: process.stdin }))
  process.stdout.write(`${JSON.stringify(await ask(JSON.parse(line)))}\n`);
