import { createHash, createHmac } from 'node:crypto';
import { matchPattern } from './stable.ts';

export type HostKeyVerdict =
  | { kind: 'match' }
  /** Nothing is known of this host. */
  | { kind: 'unknown' }
  /** Something else is known of this host. */
  | { kind: 'mismatch'; expected: string[] }
  | { kind: 'revoked' };

/** What the settings say of the server's key. */
export interface HostKeyTrust {
  pinned: readonly string[];
  knownHosts: readonly KnownHost[];
  host: string;
  port: number;
}

export interface KnownHost {
  marker: '' | 'revoked' | 'cert-authority';
  hosts: string;
  key: Buffer;
}

/** As `ssh-keygen -lf` prints it. */
export function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** Type of a key in its wire form: `ssh-ed25519`, `ssh-rsa`, ... */
export function keyTypeOf(key: Buffer): string {
  const length = key.length >= 4 ? key.readUInt32BE(0) : 0;
  return key.toString('latin1', 4, 4 + Math.min(length, 64));
}

/** Lines of a known_hosts file; lines that are none are passed over, as ssh does. */
export function parseKnownHosts(text: string): KnownHost[] {
  const known: KnownHost[] = [];
  for (const line of text.split('\n')) {
    const fields = line.trim().split(/\s+/);
    if (fields[0] === undefined || fields[0] === '' || fields[0].startsWith('#')) continue;
    let marker: KnownHost['marker'] = '';
    if (fields[0] === '@revoked') marker = 'revoked';
    else if (fields[0] === '@cert-authority') marker = 'cert-authority';
    const [hosts, , key] = marker === '' ? fields : fields.slice(1);
    if (hosts === undefined || key === undefined) continue;
    known.push({ marker, hosts, key: Buffer.from(key, 'base64') });
  }
  return known;
}

/**
 * Decides whether the server may be spoken to. A pinned fingerprint outranks known_hosts; a key that known_hosts revokes
 * is refused even then. Certificates are not supported: @cert-authority lines trust nobody.
 */
export function judgeHostKey(trust: HostKeyTrust, key: Buffer): HostKeyVerdict {
  const lines = trust.knownHosts.filter((line) => concerns(line.hosts, trust.host, trust.port));
  if (lines.some((line) => line.marker === 'revoked' && line.key.equals(key))) return { kind: 'revoked' };
  const found = fingerprintOf(key);
  const pinned = trust.pinned.map((pin) => pin.replace(/=+$/, ''));
  if (pinned.length > 0) {
    return pinned.includes(found) ? { kind: 'match' } : { kind: 'mismatch', expected: pinned };
  }
  const trusted = lines.filter((line) => line.marker === '');
  if (trusted.some((line) => line.key.equals(key))) return { kind: 'match' };
  if (trusted.length === 0) return { kind: 'unknown' };
  return { kind: 'mismatch', expected: trusted.map((line) => fingerprintOf(line.key)) };
}

/** Whether the host field of a known_hosts line names this host: plain, [host]:port, wildcards, !negated, or hashed. */
function concerns(hosts: string, host: string, port: number): boolean {
  const name = port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`;
  if (hosts.startsWith('|1|')) {
    const [, , salt, hash] = hosts.split('|');
    if (salt === undefined || hash === undefined) return false;
    return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash;
  }
  let named = false;
  for (const pattern of hosts.toLowerCase().split(',')) {
    const negated = pattern.startsWith('!');
    if (!hostMatches(negated ? pattern.slice(1) : pattern, name)) continue;
    if (negated) return false;
    named = true;
  }
  return named;
}

function hostMatches(pattern: string, name: string): boolean {
  if (pattern === name) return true;
  // Square brackets and braces are literal in known_hosts.
  return /[*?]/.test(pattern) && matchPattern(pattern.replace(/\[/g, '[[]').replace(/[{}]/g, '[$&]'))(name);
}
