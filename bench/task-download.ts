import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createLog, realIo } from '../src/io.ts';
import { openRemote } from '../src/remotes/open.ts';
import { remoteSettings } from '../src/remotes/settings.ts';

/** Downloads one file over SFTP: `task-download.ts <url> <host key> <key file> <name> <target>`. Connecting counts, as it does for sftp. */
const [url = '', hostKey = '', keyPath = '', name = '', target = ''] = process.argv.slice(2);
const started = performance.now();
const settings = remoteSettings.parse({ url, hostKey, privateKey: await readFile(keyPath, 'utf8') });
await using remote = await openRemote(settings, realIo(createLog('error')));
const file = await remote.stat(name);
if (!file) throw new Error(`${name} is not there`);
await pipeline(remote.read(file, new AbortController().signal), createWriteStream(target));
process.stdout.write(`${JSON.stringify({ ms: performance.now() - started })}\n`);
