/** What a hostile or broken API does with a request: it is part of the lab so that egress is tried against a server, not a stub. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { encodings } from './echo-encodings.ts';

const endlessChunk = Buffer.alloc(65_536, 'x');
const bombBytes = 256 * 1024 * 1024;

/** False: there is no such trick. */
export async function answerHostile(trick: string, req: IncomingMessage, res: ServerResponse): Promise<boolean> {
  const url = new URL(req.url ?? '/', 'https://localhost');
  const token = (req.headers.authorization ?? '').replace(/^Bearer /i, '');
  switch (trick) {
    case 'echo-body':
      await echoInBody(res, encoded(url, token), Number(url.searchParams.get('split') ?? '0'));
      return true;
    case 'echo-header':
      res
        .writeHead(200, {
          'x-echo': encoded(url, token)
            .toString('latin1')
            .replaceAll(/[^\x20-\x7e]/g, ' '),
        })
        .end('see the head');
      return true;
    case 'echo-status':
      res.writeHead(200, token).end();
      return true;
    case 'redirect-same':
      res.writeHead(302, { location: '/v1/tickets?limit=1' }).end();
      return true;
    case 'redirect-cross':
      res.writeHead(302, { location: `https://127.0.0.1:${String(req.socket.localPort)}/v1/tickets` }).end();
      return true;
    case 'redirect-plain':
      res.writeHead(302, { location: `http://localhost:${String(req.socket.localPort)}/v1/tickets` }).end();
      return true;
    case 'redirect-loop':
      res.writeHead(302, { location: '/v1/hostile/redirect-loop' }).end();
      return true;
    case 'endless':
      await sendEndlessly(res);
      return true;
    case 'gzip-bomb':
      res.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(bomb());
      return true;
    case 'mirror':
      res.writeHead(200, { 'content-type': 'application/json' });
      res.end(JSON.stringify({ method: req.method, url: req.url, headers: req.headers }));
      return true;
    default:
      return false;
  }
}

function encoded(url: URL, token: string): Buffer {
  const encode = encodings[url.searchParams.get('as') ?? 'plain'] ?? encodings['plain'];
  return Buffer.concat([
    Buffer.from('{"you sent":"'),
    encode?.(Buffer.from(token, 'latin1')) ?? Buffer.alloc(0),
    Buffer.from('"}'),
  ]);
}

/** In two pieces, so that they arrive apart. */
async function echoInBody(res: ServerResponse, body: Buffer, split: number): Promise<void> {
  res.writeHead(200, { 'content-type': 'application/json' });
  res.write(body.subarray(0, split));
  await new Promise((resolve) => setTimeout(resolve, split === 0 ? 0 : 5));
  res.end(body.subarray(split));
}

async function sendEndlessly(res: ServerResponse): Promise<void> {
  res.writeHead(200, { 'content-type': 'application/json' });
  while (!res.destroyed && !res.writableEnded) {
    if (!res.write(endlessChunk))
      await new Promise<void>((resolve) => {
        res.once('drain', resolve).once('close', resolve);
      });
  }
}

let made: Buffer | undefined;
const bomb = (): Buffer => (made ??= gzipSync(Buffer.alloc(bombBytes), { level: 9 }));
