import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readTrace, straceMissing, straceTo, type TracedCall } from '../strace.ts';
import { type Check, goodRows } from './check.ts';

const CALLS = ['fsync', 'fdatasync', 'pwrite64', 'write', 'writev', 'sendto', 'sendmsg'];

/** SIGKILL loses nothing that was written; a power cut loses what was not flushed. So the flushes themselves are looked at. */
export const check: Check = {
  title: 'a claim is flushed to the disk before its request is written to the socket',
  missing: straceMissing,
  async run(stage) {
    const world = await stage.world();
    world.job('feed');
    // A ledger that is there already: what a migration writes is not what this is about.
    await world.run('feed');
    world.drop('a.csv', goodRows('A', 30));
    const file = join(world.root, 'trace');
    const end = await world.run('feed', straceTo(file, CALLS));
    const complaints = end.code === 0 ? [] : [`the run ended with ${end.code ?? end.signal}: ${end.stderr}`];
    const { posts, early } = flushesBefore(readTrace(file));
    if (posts !== 30) complaints.push(`${posts} requests of 30 are in the trace: ${readFileSync(file).length} bytes`);
    if (early > 0) complaints.push(`${early} of ${posts} requests were written before the ledger was flushed`);
    return complaints;
  },
};

/** `early`: requests that left while something written to the ledger's log was not flushed yet, or before any flush. */
export function flushesBefore(calls: readonly TracedCall[]): { posts: number; early: number } {
  let flushed = false;
  let posts = 0;
  let early = 0;
  for (const { name, text } of calls) {
    if (/ledger\.sqlite-wal>/.test(text)) {
      if (name === 'pwrite64') flushed = false;
      if (name === 'fsync' || name === 'fdatasync') flushed = true;
    } else if (/POST \/v6\/async-events/.test(text)) {
      posts += 1;
      if (!flushed) early += 1;
    }
  }
  return { posts, early };
}
