import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { addressOf } from '../../src/remotes/address.ts';
import { backOff } from '../../src/remotes/connection.ts';
import { resolvePath, revisionOf, shown, temporaryOf } from '../../src/remotes/names.ts';
import { remoteProblems, remoteSettings } from '../../src/remotes/settings.ts';

const messages = (input: unknown) => remoteSettings.safeParse(input).error?.issues.map(({ message }) => message) ?? [];

describe('settings of a remote', () => {
  it('have defaults, and durations in words or milliseconds', () => {
    expect(remoteSettings.parse({ url: 'file:///srv/inbox' })).toMatchObject({
      keepalive: 15_000,
      connectTimeout: 20_000,
      stallTimeout: 60_000,
      operationTimeout: 60_000,
      allowWeak: [],
      allowFolderLinks: false,
    });
    const parsed = remoteSettings.parse({
      url: 'file:///x',
      keepalive: '500ms',
      stallTimeout: '5m',
      connectTimeout: 7,
    });
    expect([parsed.keepalive, parsed.stallTimeout, parsed.connectTimeout]).toEqual([500, 300_000, 7]);
  });

  it.each<[string, unknown, RegExp]>([
    ['a password in the URL', { url: 'sftp://u:p@h/x' }, /password does not belong in the URL/],
    ['another scheme', { url: 'ftp://u@h/x' }, /expected sftp: or file:, found ftp:/],
    ['no user', { url: 'sftp://h/x' }, /expected a user/],
    ['two slashes', { url: 'file://srv/inbox' }, /three slashes, found the host "srv"/],
    ['no URL', { url: 'inbox' }, /expected sftp:\/\/user@host/],
    ['a percent sign that escapes nothing', { url: 'sftp://u@h/100%/in' }, /write a percent sign as %25/],
    ['a space before the scheme', { url: ' sftp://u@h/x' }, /a space at its start/],
    ['an escaped slash', { url: 'file:///srv/a%2Fb' }, /cannot hold a slash/],
    ['a zero byte', { url: 'sftp://u@h/a%00b' }, /zero byte/],
    ['a wordy duration', { url: 'file:///x', keepalive: 'a while' }, /expected a duration such as 500ms/],
    ['no duration', { url: 'file:///x', stallTimeout: 0 }, /expected a duration/],
    ['a short fingerprint', { url: 'sftp://u@h/x', hostKey: 'SHA256:abc' }, /43 characters/],
  ])('refuse %s and say what is allowed', (_, input, message) => {
    expect(messages(input).join()).toMatch(message);
    expect(messages(input).join()).not.toContain('p@');
  });

  it('that cannot work together are named by field, without a network', () => {
    const fields = (input: object) => remoteProblems(remoteSettings.parse(input)).map(({ field }) => field);
    const url = 'sftp://u@h/x';
    const hostKey = `SHA256:${'A'.repeat(43)}`;
    expect(fields({ url })).toEqual(['privateKey', 'hostKey']);
    expect(fields({ url: 'SFTP://u@h/x' })).toEqual(['privateKey', 'hostKey']);
    expect(fields({ url, hostKey, password: 'x' })).toEqual([]);
    expect(fields({ url, knownHosts: '/k', keyboardInteractive: ['a'] })).toEqual([]);
    expect(fields({ url, hostKey, privateKey: 'k', keyboardInteractive: true })).toEqual(['keyboardInteractive']);
    expect(fields({ url, hostKey, password: 'x', passphrase: 'y' })).toEqual(['passphrase']);
    expect(fields({ url: 'file:///x' })).toEqual([]);
  });

  it('have a help text for each field in the JSON Schema', () => {
    const schema = z.toJSONSchema(remoteSettings, { io: 'input' });
    const fields = Object.entries(schema.properties ?? {});
    expect(fields.length).toBeGreaterThan(10);
    for (const [name, field] of fields) {
      expect([name, typeof field === 'object' && typeof field.description]).toEqual([name, 'string']);
    }
  });
});

describe('addresses', () => {
  it.each([
    ['sftp://u@h/inbox', { host: 'h', port: 22, username: 'u', root: '/inbox', display: 'sftp://h/inbox' }],
    ['sftp://a%40b@h:2222/', { host: 'h', port: 2222, username: 'a@b', root: '/', display: 'sftp://h:2222/' }],
    ['sftp://u@h', { host: 'h', port: 22, username: 'u', root: '/', display: 'sftp://h/' }],
    ['sftp://u@h/~/in', { host: 'h', port: 22, username: 'u', root: '~/in', display: 'sftp://h/~/in' }],
    ['sftp://u@[::1]:22/x%20y', { host: '::1', port: 22, username: 'u', root: '/x y', display: 'sftp://[::1]/x y' }],
  ])('%s', (url, address) => {
    expect(addressOf(url)).toEqual(address);
  });
});

describe('paths', () => {
  it('are relative to the root unless they start with a slash', () => {
    expect(resolvePath('/srv', 'in/x.csv')).toBe('/srv/in/x.csv');
    expect(resolvePath('/srv', '.')).toBe('/srv');
    expect(resolvePath('/srv', '/other/x')).toBe('/other/x');
    expect(resolvePath('/', '')).toBe('/');
  });

  it('never climb', () => {
    for (const path of ['..', 'a/../../b', '/a/../b'])
      expect(() => resolvePath('/srv', path)).toThrow(/may not contain/);
    expect(resolvePath('/srv', 'a..b/...')).toBe('/srv/a..b/...');
  });

  it('get a revision before the last ending', () => {
    expect(revisionOf('r/x.csv.results.csv', 2)).toBe('r/x.csv.results.r2.csv');
    expect(revisionOf('/x', 3)).toBe('/x.r3');
  });

  it('get a hidden temporary name beside them, never longer than names may be', () => {
    expect(temporaryOf('r/x.csv', 'ab'.repeat(32))).toBe('r/.x.csv.abababababab.part');
    expect(temporaryOf(`r/${'é'.repeat(127)}`, 'ab'.repeat(32))).toBe('r/.abababababab.part');
  });

  it('are shown on one line and steer no terminal', () => {
    expect(shown('a\nb\u001b[2J\u202ex')).toBe('a\\u{a}b\\u{1b}[2J\\u{202e}x');
    expect(shown('n'.repeat(1000)).length).toBe(301);
  });
});

it('tries again later and later, never at once', () => {
  expect([1, 2, 3, 4].map((tries) => backOff(tries, 0))).toEqual([250, 500, 1000, 2000]);
  expect([1, 2, 3, 20].map((tries) => backOff(tries, 1))).toEqual([500, 1000, 2000, 15_000]);
});
