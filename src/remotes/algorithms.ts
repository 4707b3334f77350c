import type { Algorithms } from 'ssh2';

/**
 * Host keys are asked for one family after the other: a server has several, the settings may name any one of them, and
 * the server answers with the first family that we list.
 */
const HOST_KEYS = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
] as const;

const KEX = [
  'curve25519-sha256',
  'curve25519-sha256@libssh.org',
  'ecdh-sha2-nistp256',
  'ecdh-sha2-nistp384',
  'ecdh-sha2-nistp521',
  'diffie-hellman-group-exchange-sha256',
  'diffie-hellman-group14-sha256',
  'diffie-hellman-group15-sha512',
  'diffie-hellman-group16-sha512',
  'diffie-hellman-group18-sha512',
] as const;

/** AES-GCM first: it is the fastest of them in Node.js. */
const CIPHERS = [
  'aes128-gcm@openssh.com',
  'aes256-gcm@openssh.com',
  'aes128-ctr',
  'aes192-ctr',
  'aes256-ctr',
  'chacha20-poly1305@openssh.com',
] as const;

const MACS = [
  'hmac-sha2-256-etm@openssh.com',
  'hmac-sha2-512-etm@openssh.com',
  'hmac-sha2-256',
  'hmac-sha2-512',
] as const;

const WEAK = {
  serverHostKey: ['ssh-rsa', 'ssh-dss'],
  kex: ['diffie-hellman-group14-sha1', 'diffie-hellman-group-exchange-sha1', 'diffie-hellman-group1-sha1'],
  cipher: ['aes128-cbc', 'aes192-cbc', 'aes256-cbc', '3des-cbc'],
  hmac: ['hmac-sha1-etm@openssh.com', 'hmac-sha1', 'hmac-md5'],
} as const;

/** Algorithms that are refused unless a job names them. */
export const WEAK_ALGORITHMS = [...WEAK.serverHostKey, ...WEAK.kex, ...WEAK.cipher, ...WEAK.hmac] as const;

/**
 * What we offer, without the host key families whose key turned out not to be the trusted one; undefined when no family
 * is left.
 */
export function algorithmsFor(
  allowWeak: readonly string[],
  refusedFamilies: readonly string[],
): Algorithms | undefined {
  const allowed = (name: string) => allowWeak.includes(name);
  const serverHostKey = [...HOST_KEYS, ...WEAK.serverHostKey.filter(allowed)].filter(
    (name) => !refusedFamilies.includes(hostKeyFamily(name)),
  );
  if (serverHostKey.length === 0) return undefined;
  return {
    serverHostKey,
    kex: [...KEX, ...WEAK.kex.filter(allowed)],
    cipher: [...CIPHERS, ...WEAK.cipher.filter(allowed)],
    hmac: [...MACS, ...WEAK.hmac.filter(allowed)],
  };
}

/** `rsa-sha2-512` and `ssh-rsa` are signatures by the same key. */
export function hostKeyFamily(algorithm: string): string {
  if (algorithm.includes('rsa')) return 'rsa';
  return algorithm.startsWith('ecdsa') ? 'ecdsa' : algorithm;
}
