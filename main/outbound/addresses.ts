/**
 * Guarantees: the addresses of a name are asked for here, once, and only those are dialled that are public or in a network which
 * the configuration lists: not loopback, link-local, private, shared (RFC 6598), metadata, multicast, unspecified or reserved
 * ones, and no IPv6 form that carries an IPv4 address (mapped, compatible, NAT64, 6to4, Teredo). No rebinding: what was checked is
 * what is dialled. Trusts: the resolver for nothing but the addresses.
 */
import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { Fault } from '../contract/errors.ts';

export type Resolve = (host: string) => Promise<readonly string[]>;

export const resolveHere: Resolve = async (host) => {
  const found = await lookup(host, { all: true });
  return found.map(({ address }) => address);
};

/** IANA's special-purpose registries, and what is not unicast. */
const special4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
];
/** Of global unicast. 2001::/23 has Teredo and ORCHID, 2002::/16 is 6to4. */
const special6 = ['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20'];

const refused4 = listOf(special4);
const refused6 = listOf(special6);
/** Whatever is not global unicast is refused: loopback, unspecified, mapped, NAT64, link-local, unique-local, multicast. */
const global6 = listOf(['2000::/3']);

/** Throws `Fault` `malformed` for a network that cannot be read. */
export function createAddressCheck(networks: readonly string[]): (address: string) => boolean {
  // Apart, since a list of IPv4 networks also answers for IPv4-mapped addresses.
  const listed4 = listOf(networks.filter((network) => !network.includes(':')));
  const listed6 = listOf(networks.filter((network) => network.includes(':')));
  return (address) => {
    switch (isIP(address)) {
      case 4:
        return listed4.check(address) || !refused4.check(address);
      case 6:
        // A zone names an interface of this machine.
        if (address.includes('%')) return false;
        return listed6.check(address, 'ipv6') || (global6.check(address, 'ipv6') && !refused6.check(address, 'ipv6'));
      default:
        return false;
    }
  };
}

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [, address = '', prefix = ''] = /^([0-9A-Fa-f:.]+)\/(\d{1,3})$/.exec(network) ?? [];
    const family = isIP(address);
    if (family === 0 || Number(prefix) > (family === 6 ? 128 : 32))
      throw new Fault('malformed', `"${network}" is no network: write it as 10.0.0.0/8 or fd00::/8.`);
    list.addSubnet(address, Number(prefix), family === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}

export interface AddressesDeps {
  readonly resolve: Resolve;
  readonly mayDial: (address: string) => boolean;
}

/** Faults: `backend_unreachable` where the name is unknown, `destination_not_allowed` where no address of it may be dialled. */
export async function addressesOf(host: string, { resolve, mayDial }: AddressesDeps): Promise<readonly string[]> {
  const found = isIP(host) === 0 ? await resolve(host).catch(() => []) : [host];
  if (found.length === 0)
    throw new Fault('backend_unreachable', `The name ${host} cannot be resolved. Check the network.`);
  const allowed = found.filter(mayDial);
  if (allowed.length === 0)
    throw new Fault(
      'destination_not_allowed',
      `${host} is at an address that is not public. If that is right, list its network in the destination's "networks".`,
    );
  return allowed;
}
