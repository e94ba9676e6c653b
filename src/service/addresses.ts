/** Lists of addresses and networks, as a setting gives them. */
import { BlockList, isIP } from 'node:net';

/** @returns nothing where it can not be read. */
export function addressesIn(list: string): BlockList | undefined {
  const addresses = new BlockList();
  for (const entry of list.split(',').map((text) => text.trim())) {
    const [address = '', bits, ...rest] = entry.split('/');
    const version = isIP(address);
    if (version === 0 || rest.length > 0 || (bits !== undefined && !/^\d{1,3}$/.test(bits))) return undefined;
    const family = version === 4 ? 'ipv4' : 'ipv6';
    try {
      if (bits === undefined) addresses.addAddress(address, family);
      else addresses.addSubnet(address, Number(bits), family);
    } catch {
      return undefined; // more bits than an address has
    }
  }
  return addresses;
}

/** Whether a peer's address, as a socket tells it, is among them. */
export function includes(addresses: BlockList, peer: string): boolean {
  const version = isIP(peer);
  return version !== 0 && addresses.check(peer, version === 4 ? 'ipv4' : 'ipv6');
}
