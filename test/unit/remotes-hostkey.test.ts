import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { fingerprintOf, judgeHostKey, keyTypeOf, parseKnownHosts } from '../../src/remotes/hostkey.ts';
import { newKeyPair } from '../../src/sandbox/sftp/server.ts';

const [mine, other] = ['ed25519', 'ed25519'].map(() => newKeyPair().public.split(' ').slice(0, 2).join(' '));
const blob = (line = '') => Buffer.from(line.split(' ')[1] ?? '', 'base64');

function verdict(knownHosts: string, pinned: string[] = [], host = 'files.example.com', port = 22) {
  return judgeHostKey({ pinned, knownHosts: parseKnownHosts(knownHosts), host, port }, blob(mine)).kind;
}

describe('judging a host key', () => {
  it('knows the fingerprint and the type as ssh-keygen prints them', () => {
    const key = 'AAAAC3NzaC1lZDI1NTE5AAAAIKXGbXxEP+4Vjj7FxI3NJsN1MgLgNuS1mkE+hLrL9t9B';
    expect(keyTypeOf(Buffer.from(key, 'base64'))).toBe('ssh-ed25519');
    expect(fingerprintOf(Buffer.from('abc'))).toBe('SHA256:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0');
  });

  it('trusts nobody where nothing is known', () => {
    expect(verdict('')).toBe('unknown');
    expect(verdict(`other.example.com ${mine}`)).toBe('unknown');
  });

  it('trusts exactly the pinned keys', () => {
    expect(verdict('', [fingerprintOf(blob(mine))])).toBe('match');
    expect(verdict('', [`${fingerprintOf(blob(mine))}=`])).toBe('match');
    expect(verdict('', [fingerprintOf(blob(other)), fingerprintOf(blob(mine))])).toBe('match');
    expect(verdict('', [fingerprintOf(blob(other))])).toBe('mismatch');
    expect(verdict(`files.example.com ${mine}`, [fingerprintOf(blob(other))])).toBe('mismatch');
  });

  it.each<[string, string, number, string]>([
    ['files.example.com', 'files.example.com', 22, 'match'],
    ['a.example.com,files.example.com', 'files.example.com', 22, 'match'],
    ['FILES.example.com', 'files.EXAMPLE.com', 22, 'match'],
    ['files.example.com', 'files.example.com', 2222, 'unknown'],
    ['[files.example.com]:2222', 'files.example.com', 2222, 'match'],
    ['[files.example.com]:2222', 'files.example.com', 22, 'unknown'],
    ['*.example.com', 'files.example.com', 22, 'match'],
    ['[*.example.com]:2222', 'files.example.com', 2222, 'match'],
    ['files?.example.com', 'files.example.com', 22, 'unknown'],
    ['*.example.com,!files.example.com', 'files.example.com', 22, 'unknown'],
  ])('%s in known_hosts, host %s port %i: %s', (hosts, host, port, expected) => {
    expect(verdict(`${hosts} ${mine} a comment`, [], host, port)).toBe(expected);
  });

  it('understands hashed names', () => {
    const salt = Buffer.alloc(20, 7);
    const line = (name: string) =>
      `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')} ${mine}`;
    expect(verdict(line('files.example.com'))).toBe('match');
    expect(verdict(line('[files.example.com]:2222'), [], 'files.example.com', 2222)).toBe('match');
    expect(verdict(line('other.example.com'))).toBe('unknown');
  });

  it('refuses a revoked key, whatever else vouches for it, and takes no certificate authority for a key', () => {
    const trusted = `files.example.com ${mine}`;
    expect(verdict(`${trusted}\n@revoked * ${mine}`)).toBe('revoked');
    expect(verdict(`@revoked * ${mine}`, [fingerprintOf(blob(mine))])).toBe('revoked');
    expect(verdict(`${trusted}\n@revoked * ${other}`)).toBe('match');
    expect(verdict(`@cert-authority * ${mine}`)).toBe('unknown');
  });

  it('tells a changed key from an unknown host', () => {
    const known = `files.example.com ${other}`;
    expect(verdict(known)).toBe('mismatch');
    const judged = judgeHostKey(
      { pinned: [], knownHosts: parseKnownHosts(known), host: 'files.example.com', port: 22 },
      blob(mine),
    );
    expect(judged).toEqual({ kind: 'mismatch', expected: [fingerprintOf(blob(other))] });
  });

  it('passes over lines that are none', () => {
    expect(parseKnownHosts('\n# comment\nonly-a-host\nhost ssh-rsa\n@marker\n')).toEqual([]);
  });
});
