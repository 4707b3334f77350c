import { type LookupAddress, type LookupOptions, lookup } from 'node:dns';
import { BlockList, isIP, isIPv4, type LookupFunction } from 'node:net';

/** As `dns.lookup` with all addresses asked for. */
export type Resolve = (
  name: string,
  options: LookupOptions & { all: true },
  done: (error: NodeJS.ErrnoException | null, found: LookupAddress[]) => void,
) => void;

/** Where connections may lead. A token or a webhook is meant for a server on the internet: inside lies what trusts its neighbours. */
export interface Reach {
  /** Addresses of private networks too, and other names of this machine. Those of LINK_LOCAL never. */
  private: boolean;
}

/** A connection that was not made because of where it leads. Nothing of the request was written. */
export class AddressRefused extends Error {
  readonly code = 'PRIVATE_ADDRESS';
}

type Range = readonly [address: string, prefix: number];

const LOOPBACK: readonly Range[] = [
  ['127.0.0.0', 8],
  ['::1', 128],
];

/** IANA's registries of special-purpose addresses: what no server on the internet has. */
const PRIVATE: readonly Range[] = [
  ...LOOPBACK,
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['fc00::', 7],
  ['fec0::', 10],
];

/** Where clouds hand out credentials to whoever asks, and what is no server at all. Nothing of ours ever lives there. */
const NEVER: readonly Range[] = [
  ['0.0.0.0', 8],
  ['169.254.0.0', 16],
  ['192.88.99.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  ['::', 128],
  ['fe80::', 10],
  ['ff00::', 8],
  // The same services of clouds, over IPv6.
  ['fd00:ec2::', 32],
  ['fd20:ce::', 32],
];

const loopback = listOf(LOOPBACK);
const privateNetworks = listOf(PRIVATE);
const never = listOf(NEVER);

/** Names under which a job may say that it means this machine. */
const HERE: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '::1']);

/** Why no connection is made to an address; `undefined` where it may be. `host`: as the URL has it. */
export function refusalOf(address: string, host: string, reach: Reach): string | undefined {
  const real = innermost(address);
  if (is(never, real)) return 'an address that no destination has';
  if (is(loopback, real) && HERE.has(host)) return undefined;
  // What `localhost` leads to beyond this machine is not what was meant.
  return is(privateNetworks, real) && !reach.private ? 'a private address' : undefined;
}

/**
 * Resolves a name to the addresses that may be connected to, and to those only: what was looked at is what the connection is made
 * to, so a name that answers differently the next time gains nothing.
 */
export function guardedLookup(host: string, reach: Reach, resolve: Resolve = lookup): LookupFunction {
  return (name, options, done) => {
    const all: LookupOptions & { all: true } = { ...options, all: true };
    resolve(name, all, (error, found) => {
      if (error) return done(error, '');
      const allowed = found.filter(({ address }) => refusalOf(address, host, reach) === undefined);
      const first = allowed[0];
      if (first === undefined) return done(refused(host, found, reach), '');
      if (options.all) done(null, allowed);
      else done(null, first.address, first.family);
    });
  };
}

/** For a host that is an address already: no name is looked up for it. */
export function refuseAddress(host: string, reach: Reach): AddressRefused | undefined {
  const why = isIP(host) === 0 ? undefined : refusalOf(host, host, reach);
  return why === undefined ? undefined : new AddressRefused(`${host} is ${why}`);
}

function refused(host: string, found: readonly LookupAddress[], reach: Reach): AddressRefused {
  const address = found[0]?.address ?? 'nowhere';
  return new AddressRefused(`${host} leads to ${address}, ${refusalOf(address, host, reach) ?? 'which is no address'}`);
}

/** The IPv4 address that an IPv6 one stands for: mapped, compatible, translated (NAT64) or 6to4. Else the address itself. */
function innermost(address: string): string {
  const plain = address.replace(/%.*$/s, '');
  if (isIPv4(plain) || isIP(plain) === 0) return plain;
  const words = wordsOf(plain);
  const [a = 0, b = 0, , , , , g = 0, h = 0] = words;
  const zeros = (from: number, to: number): boolean => words.slice(from, to).every((word) => word === 0);
  const mapped = zeros(0, 5) && words[5] === 0xffff;
  const translated = a === 0x64 && b === 0xff9b && (zeros(2, 6) || words[2] === 1);
  if (mapped || translated || (zeros(0, 6) && (g > 0 || h > 1))) return dotted(g, h);
  if (a === 0x2002) return dotted(b, words[2] ?? 0);
  return plain;
}

function dotted(high: number, low: number): string {
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/** The eight 16-bit words of an IPv6 address. */
function wordsOf(address: string): number[] {
  // The URL parser writes every form the same way: eight or fewer hexadecimal words and at most one `::`.
  const text = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [head = '', tail] = text.split('::');
  const words = (part: string): number[] =>
    part.split(':').flatMap((word) => (word === '' ? [] : [parseInt(word, 16)]));
  const [before, after] = [words(head), words(tail ?? '')];
  return tail === undefined ? before : [...before, ...Array(8 - before.length - after.length).fill(0), ...after];
}

function listOf(ranges: readonly Range[]): BlockList {
  const list = new BlockList();
  for (const [address, prefix] of ranges) list.addSubnet(address, prefix, isIPv4(address) ? 'ipv4' : 'ipv6');
  return list;
}

const is = (list: BlockList, address: string): boolean => list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
