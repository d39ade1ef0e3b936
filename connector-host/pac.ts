/**
 * One answer of a proxy auto-configuration script: `{script, url, addresses, own}` on stdin, `{"answer"}` on stdout, then it ends.
 * Guarantees: the script runs in QuickJS inside WebAssembly, in a process that has no network, no files and no credential; names
 * are not resolved here: it knows the addresses it was given, of the one host it is asked about.
 * Trusts: nothing of the script. Does not protect against: a script that names a bad proxy; TLS is verified behind any.
 */
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { createPacResolver } from 'pac-resolver';
import { QuickJS } from 'quickjs-wasi';
import { z } from 'zod';

const questionSchema = z.strictObject({
  script: z.string().max(1_048_576),
  url: z.url({ protocol: /^https$/ }),
  addresses: z.array(z.string()),
  own: z.string(),
});

const isIPv4 = (text: unknown): boolean => z.ipv4().safeParse(text).success;
const [, , , wasm = ''] = process.argv;
const { script, url, addresses, own } = questionSchema.parse(JSON.parse(await text(process.stdin)));
const { hostname } = new URL(url);
const resolve = (host: unknown): string | null =>
  isIPv4(host) ? String(host) : host === hostname ? (addresses.find((one) => isIPv4(one)) ?? null) : null;
const bits = (address: unknown): number =>
  String(address)
    .split('.')
    .reduce((sum, part) => ((sum << 8) | Number(part)) >>> 0, 0);

const findProxy = createPacResolver(await QuickJS.create({ wasm: await readFile(wasm) }), script, {
  sandbox: {
    alert: () => undefined,
    dnsResolve: resolve,
    isResolvable: (host: unknown) => resolve(host) !== null,
    isInNet: (host: unknown, pattern: unknown, mask: unknown) => {
      const address = resolve(host);
      return address !== null && (bits(address) & bits(mask)) === (bits(pattern) & bits(mask));
    },
    myIpAddress: () => own,
  },
});
process.stdout.write(JSON.stringify({ answer: (await findProxy(url)).slice(0, 2000) }));
