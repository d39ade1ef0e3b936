/**
 * The network of a wrapped server: what bubblewrap is told of it, beside server-walls.ts. Guarantees: its namespace stays without an
 * interface; each port of its destinations listens on its own loopback, in the hands of the interceptor, before it runs; their names
 * mean that loopback, others mean nothing; the server itself has no capability. Trusts: connector-host/door.ts, and setpriv to give
 * away the one capability that ports below 1024 take. Does not protect against: a server that talks to itself on other ports.
 */
import { existsSync, realpathSync } from 'node:fs';
import type { Status } from '../../contract/control.ts';
import { doorFiles, type DoorOrder } from '../../contract/server-door.ts';
import { settings } from '../namespaces.ts';
import { ipcEnvironment } from '../sandbox-options.ts';

export interface ServerNetwork {
  readonly ports: readonly number[];
  readonly hosts: readonly string[];
}

export interface DoorParts {
  readonly runtime: string;
  /** connector-host/door.ts, bundled. */
  readonly door: string;
}

const ownBytes = 65_536;
/** Kernel's net.ipv4.ip_unprivileged_port_start, as every new namespace has it. */
const firstOpenPort = 1024;
const capability = 'CAP_NET_BIND_SERVICE';
/** util-linux's, as prlimit is. */
const capabilityDropper = '/usr/bin/setpriv';
/** Where distributions keep the authorities that programs trust. */
const bundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/ssl/cert.pem',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/pki/tls/cert.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
];
/** Node.js; OpenSSL, Python, Go and Ruby; Python's requests; curl; git. */
const bundleNames = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE', 'GIT_SSL_CAINFO'];

/** The system's own, which ours is in place of. */
export const replacedFile = '/etc/nsswitch.conf';
export const trustEnvironment = Object.fromEntries(bundleNames.map((name) => [name, doorFiles.authority]));

const takesCapability = ({ ports }: ServerNetwork): boolean => ports.some((port) => port < firstOpenPort);

/** Why its destinations cannot be reached, which no level but `namespaces` can change. */
export function whyNoNetwork(connector: string, level: string, network: ServerNetwork): Status['degraded'] {
  const what = `network of ${connector}`;
  if (level !== 'namespaces')
    return [
      {
        what,
        why: 'a wrapped server reaches its destinations only where it has namespaces of its own',
        mend: 'mend what "isolation of wrapped servers" says, then start Sallyport again',
      },
    ];
  if (!takesCapability(network) || existsSync(capabilityDropper)) return [];
  return [
    {
      what,
      why: `there is no ${capabilityDropper}, so a port below ${firstOpenPort} cannot be opened for it`,
      mend: 'install the package "util-linux"',
    },
  ];
}

export const doorCapabilities = (network: ServerNetwork): string[] =>
  takesCapability(network) ? ['--cap-add', capability] : [];

/** Before what the server is granted, which may lie over it. */
export function doorMounts({ runtime, door }: DoorParts): string[] {
  const links: readonly (readonly [string, string])[] = [
    [doorFiles.hosts, '/etc/hosts'],
    [doorFiles.names, replacedFile],
    ...bundles.map((bundle) => [doorFiles.authority, bundle] as const),
  ];
  return [
    ...['--size', String(ownBytes), '--tmpfs', doorFiles.folder],
    ...['--ro-bind', realpathSync(runtime), doorFiles.runtime],
    ...['--ro-bind', realpathSync(door), doorFiles.program],
    ...links.flatMap(([to, at]) => ['--symlink', to, at]),
  ];
}

/** In place of the server's: it is told in an argument, so that nothing of it changes the program that opens the ports. */
export const doorEnvironment = (ipcFd: number): string[] => settings(ipcEnvironment(ipcFd));

export function doorCommand(
  network: ServerNetwork,
  command: readonly string[],
  environment: DoorOrder['environment'],
): string[] {
  const drop = takesCapability(network) ? [capabilityDropper, '--inh-caps=-all', '--ambient-caps=-all', '--'] : [];
  const [first = '', ...rest] = [...drop, ...command];
  const order: DoorOrder = { ...network, command: [first, ...rest], environment };
  return [
    doorFiles.runtime,
    '--disable-sigusr1',
    '--openssl-config=/dev/null',
    doorFiles.program,
    JSON.stringify(order),
  ];
}
