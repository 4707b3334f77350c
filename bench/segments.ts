import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { perSecond, show } from './figures.ts';
import { startCounting, task } from './task.ts';

const MEMBERS = 5_000_000;
/** One in a hundred: half of them gone, half of them new. */
const CHANGED = MEMBERS / 200;
const CHANGES = 100_000;
/** Calls that we have under way at a cohort. */
const OURS_AT_ONCE = 4;

interface Took {
  ms: number;
  rss: number;
}

/** The difference of two large lists, and changes on their way to a target. */
export async function segments(): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'referry-bench-segments-'));
  try {
    await difference(root);
    await changes(root);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function difference(root: string): Promise<void> {
  const [before, after] = [join(root, 'before'), join(root, 'after')];
  await writeIds(before, 0);
  await writeIds(after, CHANGED);
  const tools = await sortAndComm(before, after, root);
  await task<Took>('task-segment-diff.mjs', 'confirm', before, root);
  const ours = await task<Took & { add: number; remove: number }>('task-segment-diff.mjs', 'compare', after, root);
  if (ours.add !== CHANGED || ours.remove !== CHANGED) throw new Error(`the difference is ${JSON.stringify(ours)}`);
  show(
    'segments',
    `${(ours.ms / 1000).toFixed(1)} s for the difference of ${MEMBERS.toLocaleString('en')} members, ${(tools / 1000).toFixed(1)} s by sort and comm`,
    ours.ms / tools,
    -3,
  );
  show('segments', `${Math.round(ours.rss / 1e6)} MB peak, in units of 400 MB`, ours.rss / 400e6, -1);
}

/** Ids in an order that is none; the first `from` of the plain numbers are left out, as many others come. */
async function writeIds(path: string, from: number): Promise<void> {
  const out = createWriteStream(path);
  // A step that shares no factor with the number of ids comes by each of them once.
  const step = 2_654_435_761n % BigInt(MEMBERS);
  let at = BigInt(from) * 7n;
  let piece = '';
  for (let i = 0; i < MEMBERS; i++) {
    at = (at + step) % BigInt(MEMBERS);
    const n = Number(at) + from;
    piece += `member-${((n * 7919) % 99_999_989).toString(36)}-${n}\n`;
    if (piece.length < 1 << 20) continue;
    if (!out.write(piece)) await once(out, 'drain');
    piece = '';
  }
  out.end(piece);
  await once(out, 'finish');
}

/** What `sort` and `comm` take for both lists, in milliseconds. */
async function sortAndComm(before: string, after: string, folder: string): Promise<number> {
  const env = { ...process.env, LC_ALL: 'C' };
  const text = 'sort "$0" > "$2/a"; sort "$1" > "$2/b"; comm -3 "$2/a" "$2/b" | wc -l; rm "$2/a" "$2/b"';
  const started = performance.now();
  const child = spawn('sh', ['-c', text, before, after, folder], { env, stdio: 'ignore' });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`sort and comm ended with ${String(code)}`);
  return performance.now() - started;
}

/** Against a stand-in that answers at once, and a loop that makes one call after the other; and as over a network, both with as many under way. */
async function changes(root: string): Promise<void> {
  await compared('braze-cohorts', 1, 'to Braze', root);
  await compared('braze-cohorts-far', OURS_AT_ONCE, 'to Braze 50 ms away', root);
}

async function compared(tool: string, atOnce: number, where: string, root: string): Promise<void> {
  const rates: Record<string, number> = {};
  for (const how of ['bare', 'ours', 'bare', 'ours', 'bare', 'ours']) {
    using server = await startCounting(tool);
    const folder = await mkdtemp(join(root, how));
    const took = await task<Took>('task-segment-sync.mjs', how, String(CHANGES), server.url, folder, String(atOnce));
    const { stored } = await server.count();
    if (stored !== CHANGES) throw new Error(`the cohort has ${stored} members`);
    rates[how] = Math.max(rates[how] ?? 0, CHANGES / took.ms);
  }
  const { ours = 0, bare = 1 } = rates;
  const of = atOnce === 1 ? '' : `, ${atOnce} at once`;
  show(
    'segments',
    `${perSecond(ours)} changes/s ${where}, ${perSecond(bare)} by a bare loop of the same calls${of}`,
    ours / bare,
    0.9,
  );
}
