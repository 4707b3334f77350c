/** `npm run test:soak`: see `--help`. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { seeded } from '../integration/support/seeded.ts';
import { accountFor, leftovers } from './account.ts';
import { createFeed, type DroppedFile, type Feed } from './feed.ts';
import { JOBS } from './jobs.ts';
import { HELP, readOptions } from './options.ts';
import { openRig, type Rig } from './rig.ts';
import { createSampler, type Sampler } from './sample.ts';
import { verdictOn } from './verdict.ts';

const SAMPLE_EVERY_S = 5;
const FILE_EVERY_S = 3;
const CONVERGE_WITHIN_S = 600;

const { minutes, seed, keep, help } = readOptions(process.argv.slice(2));
if (help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const started = performance.now();
const seconds = (): number => (performance.now() - started) / 1000;
const say = (text: string): void => void process.stderr.write(`${Math.round(seconds())} s: ${text}\n`);
const root = mkdtempSync(join(tmpdir(), 'referry-soak-'));
say(`seed ${seed}, ${minutes} minutes, in ${root}`);

const rig = await openRig(root, seed);
const failures: string[] = [];
let daemonPid = 0;
process.on('exit', () => {
  if (daemonPid > 0) process.kill(daemonPid, 'SIGKILL');
});
// Who stops it stops the daemon, too.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
for (const job of ['openings', 'orders', 'sealed']) {
  const { code, stderr } = await rig.cli(['verify-dedupe', job, '--settle', '1s', '--json']);
  if (code !== 0) throw new Error(`verify-dedupe ${job} ended with ${code}: ${stderr}`);
}
const daemon = await rig.daemon();
daemonPid = daemon.pid;
const sampler = createSampler(daemon.pid, `${daemon.url}/metrics`, rig.ledger, seconds);
const feed = createFeed({ random: seeded(seed + 1), pgp: rig.pgp, rows: 100 });
const dropped: DroppedFile[] = [];

const drop = (file: DroppedFile): void => {
  rig.drop(file);
  dropped.push(file);
};
const begun = seconds();
// A ledger that is larger than the cache for its pages to begin with, so that the caches are full when it counts.
if (minutes >= 10) for (const job of JOBS) drop(await feed.plain(job, job === 'quotes' ? 1000 : 20_000));
await soak(rig, feed, sampler);
const during = seconds() - begun;
say('the faults are over, it may come to its end');
rig.faults(false);
await converge(rig);
const soaked = sampler.samples;
const handlesOf = sampler.handles();
const counts = rig.ask<{ n: number }>('SELECT count(*) AS n FROM runs')[0]?.n ?? 0;
daemon.child.kill('SIGTERM');
const [code] = await daemon.ended;
daemonPid = 0;
if (code !== 0) failures.push(`the daemon ended with ${String(code)}`);
await rig.close();

// Before anybody opens the ledger again.
const left = leftovers(rig.state);
const account = await accountFor(dropped, rig);
if (left.length > 0) failures.push(`the state folder holds ${left.length} leftovers: ${left.slice(0, 5).join(', ')}`);
for (const line of readFileSync(rig.log, 'utf8').split('\n'))
  if (line.includes('"code":"INTERNAL"') || line.includes('an error of referry itself'))
    failures.push(line.slice(0, 300));
const verdict = verdictOn(soaked, begun, minutes);
const violations = [...failures, ...verdict.violations, ...account.violations];
process.stdout.write(
  `${JSON.stringify({
    seed,
    minutes: Math.round(during / 6) / 10,
    runs: counts,
    ...account,
    leftovers: left.length,
    handlesOf,
    ...verdict,
    violations: violations.length,
    first: violations.slice(0, 10),
  })}\n`,
);
if (keep || violations.length > 0) say(`kept: ${root}`);
else rmSync(root, { recursive: true, force: true });
process.exitCode = violations.length > 0 ? 1 : 0;

/** Files come, servers fall ill, people look and decide, until the time is over. */
async function soak(at: Rig, from: Feed, watch: Sampler): Promise<void> {
  const random = seeded(seed + 2);
  const end = seconds() + minutes * 60;
  let nextFile = seconds() + (minutes >= 10 ? 30 : 0);
  let nextSample = seconds();
  let nextPerson = seconds() + 40;
  let person: Promise<void> | undefined;
  while (seconds() < end) {
    if (daemon.child.exitCode !== null) throw new Error(`the daemon ended with ${daemon.child.exitCode}: ${at.log}`);
    at.faults(seconds() - begun > (minutes >= 10 ? 60 : 5));
    if (seconds() >= nextFile) {
      nextFile = seconds() + FILE_EVERY_S * (0.5 + random());
      const job = JOBS[Math.floor(random() * JOBS.length)] ?? 'openings';
      drop(await from.usual(job));
    }
    if (seconds() >= nextSample) {
      nextSample = seconds() + SAMPLE_EVERY_S;
      await watch.take();
    }
    if (seconds() >= nextPerson && person === undefined) {
      nextPerson = seconds() + 45;
      person = visit(at).finally(() => {
        person = undefined;
      });
    }
    await delay(200);
  }
  await person;
}

/** A person confirms what was put aside for uploading, asks for a run, and looks. */
async function visit(at: Rig): Promise<void> {
  await confirmSome(at, 3);
  await at.cli(['run', 'openings', '--json']);
  await at.cli(['status', '--json']);
  const rss = sampler.samples.rssMb.at(-1)?.value ?? 0;
  say(`${dropped.length} files, ${Math.round(rss)} MB, ${sampler.samples.handles.at(-1)?.value} handles`);
}

async function confirmSome(at: Rig, most: number): Promise<number> {
  const waiting = at.ask<{ id: number; n: number }>(
    "SELECT processing_id AS id, count(*) AS n FROM deliveries WHERE unfinished = 1 AND code = 'AWAITS_UPLOAD' GROUP BY 1",
  );
  for (const { id, n } of waiting.slice(0, most)) {
    const why = ['--reason', 'My Extole has them all', '--by', 'soak', '--expect', String(n)];
    const { code: end, stderr } = await at.cli(['confirm', `p${id}`, ...why, '--json']);
    // While a server is ill, the run that follows the decision may find it so.
    if (![0, 3, 4].includes(end ?? -1)) failures.push(`confirm p${id} ended with ${end}: ${stderr.slice(-300)}`);
  }
  return waiting.length;
}

/** Until nothing is open any more. */
async function converge(at: Rig): Promise<void> {
  const end = seconds() + CONVERGE_WITHIN_S;
  const unfinished = (): number =>
    (at.ask<{ n: number }>("SELECT count(*) AS n FROM processings WHERE state <> 'closed'")[0]?.n ?? 0) +
    (at.ask<{ n: number }>('SELECT count(*) AS n FROM deliveries WHERE unfinished = 1')[0]?.n ?? 0) +
    (at.ask<{ n: number }>('SELECT count(*) AS n FROM processings WHERE settled_at IS NULL')[0]?.n ?? 0) +
    (at.ask<{ n: number }>("SELECT count(*) AS n FROM runs WHERE state = 'running'")[0]?.n ?? 0);
  while (seconds() < end) {
    await confirmSome(at, Number.POSITIVE_INFINITY);
    for (const job of JOBS) await at.cli(['run', job, '--json']);
    const closed = at.ask<{ n: number }>("SELECT count(*) AS n FROM processings WHERE state = 'closed'")[0]?.n;
    if (unfinished() === 0 && closed === dropped.length) return;
    await delay(2000);
  }
  failures.push(`it did not come to its end within ${CONVERGE_WITHIN_S} s: ${unfinished()} are open`);
}
