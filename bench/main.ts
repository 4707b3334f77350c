import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { missed, perSecond, show } from './figures.ts';
import { jobText, writeRows } from './files.ts';
import { hasOpenSsh, startOpenSsh } from './openssh.ts';
import { push } from './push.ts';
import { segments } from './segments.ts';
import { firstLine, script, task } from './task.ts';

/**
 * Measures, side by side in one run, on generated files and against bare servers on loopback in a process of their own. Each
 * figure is a ratio to something simpler that does the same work: absolute numbers say more about the machine.
 * `npm run bench [-- name ...]`: end-to-end, redelivery, memory, ledger-growth, download, export, push,
 * segments.
 */
const NAMES = [
  'end-to-end',
  'redelivery',
  'memory',
  'ledger-growth',
  'download',
  'export',
  'push',
  'segments',
] as const;
type Name = (typeof NAMES)[number];

interface Servers {
  http: number;
  sftp: number;
  hostKey: string;
}

interface RunFigures {
  ms: number;
  counts: Record<string, number>;
  balanced: boolean;
  phases: Record<string, number>;
  rss: number;
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !NAMES.some((known) => known === name));
if (unknown.length > 0) {
  process.stderr.write(`bench: unknown ${unknown.join(', ')}; there is ${NAMES.join(', ')}\n`);
  process.exit(2);
}
const chosen = (name: Name): boolean => wanted.length === 0 || wanted.includes(name);

const root = await mkdtemp(join(tmpdir(), 'referry-bench-'));
const inbox = join(root, 'served', 'inbox');
await mkdir(inbox, { recursive: true });
const servers = spawn(process.execPath, [script('servers.ts'), join(root, 'served')], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
try {
  const ports: Servers = JSON.parse(await firstLine(servers.stdout));
  process.stdout.write(`Node.js ${process.version}; each figure with its ratio; files and ledger in ${tmpdir()}\n`);
  if (chosen('end-to-end')) await endToEnd(ports);
  if (chosen('redelivery')) await redelivery(ports);
  if (chosen('memory')) await memory(ports);
  if (chosen('ledger-growth')) await ledgerGrowth(ports);
  if (chosen('download')) await download();
  if (chosen('export')) await exports();
  if (chosen('push')) await push(root);
  if (chosen('segments')) await segments();
} finally {
  servers.stdin.end();
  servers.kill();
  await rm(root, { recursive: true, force: true });
}
process.exitCode = missed() === 0 ? 0 : 1;

async function endToEnd(ports: Servers): Promise<void> {
  const rows = 100_000;
  await writeRows(join(inbox, 'bare.csv'), rows, 'random');
  const [ours, bare] = await bestOfEach(
    3,
    async (round) => {
      await writeRows(join(inbox, `e2e-${round}.csv`), rows, 'random');
      return run(ports, `e2e-${round}`, `e2e-${round}.csv`);
    },
    () => task<{ ms: number }>('task-bare.ts', join(inbox, 'bare.csv'), String(ports.http)),
  );
  const plainRows = 10_000;
  await writeRows(join(inbox, 'plain.csv'), plainRows, 'random');
  const plain = await task<{ ms: number }>(
    'task-plain.ts',
    String(ports.sftp),
    String(ports.http),
    join(root, 'plain.sqlite'),
  );
  const rate = rows / ours.ms;
  show('end-to-end', `${perSecond(rate)} rows/s, ${phasesOf(ours)}`);
  show(
    'end-to-end',
    `${perSecond(rows / bare.ms)} rows/s by a bare undici loop posting the same bodies`,
    rate / (rows / bare.ms),
    0.45,
  );
  show(
    'end-to-end',
    `${perSecond(plainRows / plain.ms)} rows/s by a plain script (get, csv-parse, fetch, a commit a row)`,
    rate / (plainRows / plain.ms),
    6,
  );
}

async function redelivery(ports: Servers): Promise<void> {
  const rows = 100_000;
  const state = join(root, 'state-redelivery');
  const path = join(inbox, 're.csv');
  const write = (name: string): Promise<number> => writeRows(join(inbox, name), rows, 'K');
  await write('re.csv');
  const parse = await best(2, () => task<{ ms: number }>('task-parse.ts', path));
  await run(ports, 're', 're*.csv', state);
  const before = await requests(ports);
  const again = await best(2, async () => {
    await write('re-again.csv');
    return run(ports, 're', 're*.csv', state);
  });
  const known = await best(2, async (round) => {
    // One new row makes it another file: all of its other rows are known.
    await writeRows(join(inbox, `re-known-${round}.csv`), rows + round + 1, 'K');
    return run(ports, 're', 're*.csv', state);
  });
  const sent = (await requests(ports)) - before;
  show('redelivery', `${perSecond(rows / parse.ms)} rows/s by a bare csv-parse loop over the file`);
  show(
    'redelivery',
    `${perSecond(rows / again.ms)} rows/s for the identical file, ${phasesOf(again)}`,
    parse.ms / again.ms,
    0.25,
  );
  show(
    'redelivery',
    `${perSecond(rows / known.ms)} rows/s for a new file of known rows, ${phasesOf(known)}`,
    parse.ms / known.ms,
    0.15,
  );
  show('redelivery', `${sent} requests (the new rows of the new files)`);
}

async function memory(ports: Servers): Promise<void> {
  await writeRows(join(inbox, 'mem-small.csv'), 100_000, 'random');
  const small = await run(ports, 'mem-small', 'mem-small.csv');
  await writeRows(join(inbox, 'mem-large.csv'), 1_000_000, 'random');
  const large = await run(ports, 'mem-large', 'mem-large.csv');
  const mb = (bytes: number): number => Math.round(bytes / 1e6);
  show(
    'memory',
    `${mb(small.rss)} MB peak for 100,000 rows, ${mb(large.rss)} MB for 1,000,000 (${perSecond(1e6 / large.ms)} rows/s)`,
    large.rss / small.rss,
    -1.4,
  );
  show('memory', 'peak for 1,000,000 rows in units of 300 MB', large.rss / 300e6, -1);
}

async function ledgerGrowth(ports: Servers): Promise<void> {
  const rows = 100_000;
  const grown = join(root, 'state-grown');
  const filled = await task<{ keys: number; bytes: number }>('task-fill.ts', grown, '5000000');
  const measure = (name: string, state: (round: number) => string): Promise<RunFigures> =>
    best(2, async (round) => {
      await writeRows(join(inbox, `${name}-${round}.csv`), rows, 'random');
      return run(ports, `${name}-${round}`, `${name}-${round}.csv`, state(round));
    });
  const empty = await measure('grow-empty', (round) => join(root, `state-empty-${round}`));
  const full = await measure('grow-full', () => grown);
  show('ledger-growth', `${perSecond(rows / empty.ms)} rows/s on an empty ledger`);
  show(
    'ledger-growth',
    `${perSecond(rows / full.ms)} rows/s on one of ${filled.keys.toLocaleString('en')} random keys (${Math.round(filled.bytes / 1e6)} MB)`,
    empty.ms / full.ms,
    0.7,
  );
}

async function download(): Promise<void> {
  if (!hasOpenSsh()) {
    show('download', "skipped: OpenSSH's sshd and sftp are not installed");
    return;
  }
  const served = join(root, 'sshd');
  await mkdir(served, { recursive: true });
  const bytes = await writeRows(join(served, 'large.csv'), 2_000_000, 'random');
  await using sshd = await startOpenSsh(served);
  const theirs = await best(3, () => sshd.sftpGet('large.csv', join(root, 'theirs.csv')));
  const ours = await best(3, () =>
    task<{ ms: number }>('task-download.ts', sshd.url, sshd.hostKey, sshd.keyPath, 'large.csv', join(root, 'ours.csv')),
  );
  const rate = (ms: number): string => `${Math.round(bytes / 1000 / ms)} MB/s`;
  show('download', `${rate(ours.ms)} from OpenSSH; its own sftp: ${rate(theirs.ms)}`, theirs.ms / ours.ms, 0.8);
}

async function exports(): Promise<void> {
  const rows = 1_000_000;
  const folder = join(root, 'exports');
  await mkdir(folder, { recursive: true });
  interface Written {
    ms: number;
    bytes: number;
    files: number;
    rss: number;
  }
  let peak = 0;
  for (const format of ['hubspot-csv', 'sfmc-csv', 'klaviyo-csv', 'iterable-csv', 'braze-csv', 'plain-csv']) {
    const write = (how: 'ours' | 'bare'): Promise<Written> =>
      task<Written>('task-export.mjs', how, format, String(rows), folder);
    const [ours, bare] = await bestOfEach(
      2,
      () => write('ours'),
      () => write('bare'),
    );
    if (ours.bytes !== bare.bytes)
      throw new Error(`${format}: the export has ${ours.bytes} bytes, the bare loop wrote ${bare.bytes}`);
    peak = Math.max(peak, ours.rss);
    show(
      'export',
      `${perSecond(rows / ours.ms)} rows/s as ${format}, ${Math.round(ours.rss / 1e6)} MB peak, ${ours.files} file(s); a bare fast-csv loop: ${perSecond(rows / bare.ms)}`,
      bare.ms / ours.ms,
      0.5,
    );
  }
  show('export', 'peak for 1,000,000 rows in units of 300 MB', peak / 300e6, -1);
}

async function run(
  ports: Servers,
  job: string,
  match: string,
  state = join(root, `state-${job}`),
): Promise<RunFigures> {
  const jobs = join(root, 'jobs');
  await mkdir(jobs, { recursive: true });
  await writeFile(join(jobs, `${job}.yaml`), jobText(ports, match).replace('match:', 'shared: true\n  match:'), {
    mode: 0o600,
  });
  const figures = await task<RunFigures>('task-run.mjs', jobs, state, job);
  if (!figures.balanced || figures.counts.open !== 0)
    throw new Error(`the run did not come to its end: ${JSON.stringify(figures)}`);
  return figures;
}

async function requests(ports: Servers): Promise<number> {
  return Number(await (await fetch(`http://127.0.0.1:${ports.http}/`)).text());
}

/** The quickest of some rounds: what else the machine does only adds. */
async function best<Figures extends { ms: number }>(
  rounds: number,
  once: (round: number) => Promise<Figures>,
): Promise<Figures> {
  let quickest = await once(0);
  for (let round = 1; round < rounds; round++) {
    const next = await once(round);
    if (next.ms < quickest.ms) quickest = next;
  }
  return quickest;
}

/** The same for two things that are compared: in turns, so that a slow minute of the machine meets both. */
async function bestOfEach<One extends { ms: number }, Other extends { ms: number }>(
  rounds: number,
  one: (round: number) => Promise<One>,
  other: (round: number) => Promise<Other>,
): Promise<[One, Other]> {
  const ones: One[] = [];
  const others: Other[] = [];
  for (let round = 0; round < rounds; round++) {
    ones.push(await one(round));
    others.push(await other(round));
  }
  return [await best(rounds, async (round) => at(ones, round)), await best(rounds, async (round) => at(others, round))];
}

function at<T>(list: readonly T[], i: number): T {
  const found = list[i];
  if (found === undefined) throw new Error(`there is no round ${i}`);
  return found;
}

function phasesOf(figures: RunFigures): string {
  return Object.entries(figures.phases)
    .map(([phase, ms]) => `${phase} ${(ms / 1000).toFixed(2)} s`)
    .join(', ');
}
