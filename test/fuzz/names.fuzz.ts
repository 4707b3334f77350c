import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TransferError } from '../../src/model.ts';
import { addressOf } from '../../src/remotes/address.ts';
import { judgeHostKey, parseKnownHosts } from '../../src/remotes/hostkey.ts';
import { resolvePath, revisionOf, shown, temporaryOf } from '../../src/remotes/names.ts';
import { remoteSettings } from '../../src/remotes/settings.ts';
import { markerFor, matchPattern } from '../../src/remotes/stable.ts';
import { must, takeFrom } from './support.ts';

const KEY = Buffer.from('AAAAC3NzaC1lZDI1NTE5AAAAIFuzzKeyOfNobodyAtAll', 'base64');

/** Names, paths, patterns, addresses and known_hosts of any text. */
export function fuzz(data: Buffer): void {
  const take = takeFrom(data);
  const kind = take.pick(['path', 'pattern', 'url', 'hosts']);
  const cut = take.number(60);
  const text = take.rest().toString('utf8');
  const [first, second] = [text.slice(0, cut), text.slice(cut)];
  if (kind === 'path') paths(text);
  else if (kind === 'pattern') {
    if ((first.match(/\{/g) ?? []).length < 4) matchPattern(first)(second);
    markerFor(first, second);
  } else if (kind === 'url') addresses(text);
  else hosts(text);
}

function addresses(text: string): void {
  const parsed = remoteSettings.safeParse({ url: text });
  if (!parsed.success) return;
  if (parsed.data.url.startsWith('file:')) {
    must(fileURLToPath(parsed.data.url).startsWith('/'), 'a folder that is none', text);
    return;
  }
  const { host, username, port, root } = addressOf(parsed.data.url);
  must(host !== '' && username !== '' && port >= 0 && port < 65_536, 'no address', host, username, port);
  must(!root.split('/').includes('..'), 'a root that climbs', root);
}

function hosts(text: string): void {
  const trust = { pinned: [], knownHosts: parseKnownHosts(text), host: 'sftp.example.com', port: 22 };
  const verdict = judgeHostKey(trust, KEY);
  must(verdict.kind !== 'match' || text.includes('AAAA'), 'a key of nobody is trusted', verdict);
}

function paths(text: string): void {
  const safe = shown(text);
  must(!/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e]/u.test(safe) && safe.length <= 700, 'a name that steers a terminal', safe);
  let path: string;
  try {
    path = resolvePath('/srv/root', text);
  } catch (error) {
    must(error instanceof TransferError, 'an error of another kind', String(error));
    return;
  }
  must(text.startsWith('/') || path === '/srv/root' || path.startsWith('/srv/root/'), 'a path outside its root', path);
  must(posix.normalize(path) === path, 'a path that is not in its plain form', path);
  const temporary = temporaryOf(path, 'ab'.repeat(32));
  must(
    posix.dirname(temporary) === posix.dirname(path) && posix.basename(temporary).startsWith('.'),
    'a temporary name elsewhere',
    temporary,
  );
  must(Buffer.byteLength(posix.basename(temporary)) <= 255, 'a temporary name that is too long', temporary);
  if (posix.basename(path) !== '')
    must(posix.dirname(revisionOf(path, 2)) === posix.dirname(path), 'a revision elsewhere', path);
}
