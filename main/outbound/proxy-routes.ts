/**
 * Which way a request takes: straight, or through the company's proxy (a CONNECT tunnel, RFC 9110 §9.3.6).
 * Guarantees: with a proxy configured nothing goes straight but what the configuration or the script says; an answer of a
 * script that names no way we can go is a fault, never a straight way. Trusts: whoever wrote the configuration or script.
 */
import { lookup } from 'node:dns/promises';
import { Fault } from '../contract/errors.ts';

export interface ProxyRoute {
  /** host:port, for people. */
  readonly name: string;
  /** `http://[user[:password]@]host:port`: holds the password, so it is never shown. */
  readonly url: string;
}
/** `undefined`: straight. */
export type Route = ProxyRoute | undefined;
/** In the order to try them. Rejects with a `Fault` `identity_unavailable` when no way is known. */
export type FindRoutes = (target: URL) => Promise<readonly Route[]>;

export interface ConfiguredProxy {
  readonly url: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Hosts that are reached straight: a name, or `.suffix` for all names under it. */
  readonly exceptFor: readonly string[];
}

export const straight: FindRoutes = () => Promise.resolve([undefined]);

export function throughProxy(proxy: ConfiguredProxy): FindRoutes {
  const route = routeTo(new URL(proxy.url), proxy);
  return (target) => Promise.resolve([isExcepted(target.hostname, proxy.exceptFor) ? undefined : route]);
}

/** As names are compared: without the root's dot, which names the same host. */
const plainHost = (host: string): string => host.toLowerCase().replace(/\.$/, '');

function isExcepted(host: string, exceptions: readonly string[]): boolean {
  const name = plainHost(host);
  return exceptions.map(plainHost).some((one) => (one.startsWith('.') ? name.endsWith(one) : name === one));
}

function routeTo(proxy: URL, { username, password }: Pick<ConfiguredProxy, 'username' | 'password'> = {}): ProxyRoute {
  const port = proxy.port === '' ? '80' : proxy.port;
  const url = new URL(`http://${proxy.hostname}:${port}`);
  if (username !== undefined) url.username = encodeURIComponent(username);
  if (password !== undefined) url.password = encodeURIComponent(password);
  return { name: `${proxy.hostname}:${port}`, url: url.href };
}

export interface ScriptedProxies {
  /** Runs the script elsewhere: the origin alone, and the addresses of its host as this machine resolves them. */
  readonly evaluate: (question: { readonly url: string; readonly addresses: readonly string[] }) => Promise<string>;
  /** Whose name and password go to this one proxy, whatever others the script names. */
  readonly proxy?: ConfiguredProxy | undefined;
}

/** Proxy auto-configuration. `PROXY host:port` and `DIRECT` are used; `HTTPS` and `SOCKS` are passed over. */
export function throughScript({ evaluate, proxy }: ScriptedProxies): FindRoutes {
  const known = proxy === undefined ? undefined : routeTo(new URL(proxy.url), proxy);
  return async ({ hostname, origin }) => {
    const found = await lookup(hostname, { all: true }).catch(() => []);
    const answer = await evaluate({ url: `${origin}/`, addresses: found.map(({ address }) => address) });
    const routes = answer.split(';').flatMap((part) => readPart(part.trim(), known));
    if (routes.length === 0)
      throw new Fault('identity_unavailable', 'The proxy script (egress.pac) names no proxy that Sallyport can use.');
    return routes;
  };
}

/** host:port, as routes are named. */
export const nameOfProxy = (url: string): string => routeTo(new URL(url)).name;

function readPart(part: string, known: ProxyRoute | undefined): Route[] {
  if (/^direct$/i.test(part)) return [undefined];
  const [, host, port] = /^(?:PROXY|HTTP)\s+([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:]{2,45}\]):(\d{1,5})$/i.exec(part) ?? [];
  const url = host === undefined ? null : URL.parse(`http://${host}:${String(port)}`);
  if (url === null) return [];
  const route = routeTo(url);
  return [route.name === known?.name ? known : route];
}
