import { copyFile, readdir, readFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { createLog, realIo } from '../io.ts';
import { loadJobs } from '../jobs/load.ts';
import type { Job } from '../jobs/schema.ts';
import { dedupeProof } from '../ledger/dedupe-proofs.ts';
import { type Ledger, openLedger } from '../ledger/open.ts';
import { EXIT, type Io, type RunAccount } from '../model.ts';
import { matchPattern } from '../remotes/stable.ts';
import { renderFileTable } from '../reports/text-table.ts';
import { type Sandbox, startSandbox } from '../sandbox/start.ts';
import { run } from '../schedule/verbs/run.ts';
import { eventNamesOf, verifyDedupe } from '../schedule/verbs/verify-dedupe.ts';
import { afterLines, segmentLines } from './perform-and-print.ts';
import { comesWith } from './places.ts';
import { count, table } from './print.ts';
import { showProgress } from './progress.ts';
import { stopSignal } from './shared.ts';

/** The example jobs on the sample files: from the inbox to the report, share links from customers to the tools, and members to segments. */
export async function runDemo(folder: string): Promise<number> {
  process.umask(0o077);
  const root = resolve(folder);
  const jobs = comesWith('jobs');
  const stop = stopSignal();
  const base = realIo(createLog('error'));
  const sandbox = await startSandbox({
    io: base,
    root,
    sftpPort: 0,
    extolePort: 0,
    requestsPerMinute: Number.POSITIVE_INFINITY,
    tools: true,
  });
  const env = { ...process.env, ...sandbox.env, REFERRY_STABLE_FOR: '0s', EXTOLE_REQUESTS_PER_MINUTE: '60000' };
  const io: Io = { ...base, env };
  const received = join(root, 'extole', 'received.jsonl');
  const first = (await countChanges(received)) === 0;
  const state = join(root, 'state');
  const ledger = await openLedger(join(state, 'ledger.sqlite'), 'command', io);
  const say = (line = ''): void => {
    process.stdout.write(`${line}\n`);
  };
  const accounts: RunAccount[] = [];
  const pages: string[] = [];
  try {
    const { jobs: all, problems } = await loadJobs(jobs, io.env);
    const dropped = await dropSamples(join(root, 'sftp', 'inbox'), first ? [] : all);
    say(
      `An SFTP server and stand-ins for Extole, HubSpot and Braze are running. ${dropped.length} sample files were dropped in the inbox:`,
    );
    for (const name of dropped) say(`  ${name}`);
    say();
    const common = { ledger, io, signal: stop.signal, jobs, state, cause: 'demo' as const };
    for (const problem of problems) say(`${problem.file}:${problem.line}: ${problem.message}`);

    say('First: does this Extole account drop an event whose key it knows? (referry verify-dedupe)');
    // What an earlier demo recorded holds: the second time, nothing at all is sent.
    const open = all.filter((job) => eventNamesOf(job).some((name) => !isProven(ledger, job, name)));
    await Promise.all(
      open.map((job) =>
        verifyDedupe.execute({ verb: 'verify-dedupe', job: job.id, settleMs: 300, perMinute: 60_000 }, common),
      ),
    );
    for (const job of all) {
      for (const name of eventNamesOf(job)) {
        const drops = isProven(ledger, job, name);
        const so = drops ? 'yes, so a row whose answer is lost may be sent again' : 'no, so such a row is held';
        say(`  ${name}: ${so}${open.includes(job) ? '' : ' (recorded before)'}`);
      }
    }
    sandbox.extole.flush();
    const before = await countChanges(received);

    for (const job of all) {
      say();
      say(`${job.id}${job.description ? `: ${job.description}` : ''}`);
      const progress = showProgress(io, !process.stderr.isTTY);
      const { executed } = await run.execute({ verb: 'run', job: job.id }, { ...common, progress: progress.tell });
      progress.stop();
      accounts.push(executed.account);
      if (executed.reportPath) pages.push(executed.reportPath);
      const options = { width: 100, reasons: 6, colour: process.stdout.isTTY === true };
      if (executed.account.files.length === 0) say('  nothing new');
      else say(renderFileTable(executed.account, options).trimEnd());
      for (const line of [...segmentLines(executed.account), ...afterLines(executed.account)]) say(line);
      if (executed.account.halted) say(`  halted: ${executed.account.halted.code}: ${executed.account.halted.reason}`);
    }
    sandbox.extole.flush();
    const sent = (await countChanges(received)) - before;
    say();
    say(`Events, people, links and members that were sent to the Extole stand-in in this run: ${sent} requests`);
    say('Who is in the segments there now:');
    for (const line of table(membersAt(sandbox), '  ')) say(line);
    say('Where to look:');
    const place = (path: string): string => relative(process.cwd(), join(root, 'sftp', path));
    for (const account of accounts)
      for (const file of account.files) if (file.resultsPath) say(`  results  ${place(file.resultsPath)}`);
    for (const page of pages) say(`  report   ${place(page)}`);
    const exported = accounts.flatMap(({ exports = [] }) => exports.flatMap(({ files }) => files));
    for (const path of exported) if (!path.endsWith('.manifest.json')) say(`  links    ${place(path)}`);
    say(`  received ${relative(process.cwd(), received)}`);
    say(`  ledger   ${relative(process.cwd(), ledger.path)}`);
    if (sent > 0) say('Run it again: the files are dropped again, and nothing is sent.');
  } finally {
    await ledger.close();
    await sandbox.close();
    stop.dispose();
  }
  const balanced = accounts.every((account) => account.balanced && !account.halted);
  return balanced && accounts.length > 0 ? EXIT.ok : EXIT.internal;
}

function isProven(ledger: Ledger, job: Job, eventName: string): boolean {
  const { account, container } = job.destination.extole;
  return dedupeProof(ledger, { provider: 'extole', account, container }, eventName)?.withinEvent === 'drops';
}

/** Segments as the stand-ins have them. */
function membersAt({ extole, tools }: Sandbox): string[][] {
  const cohorts = [...(tools?.braze.cohorts.values() ?? [])].map((each) => ({ ...each, at: 'a cohort of Braze' }));
  const audiences = extole.audiences.all().map((each) => ({ ...each, at: 'an audience of Extole' }));
  return [...cohorts, ...audiences].map(({ name, members, at }) => [name, at, count(members.size, 'member')]);
}

/**
 * Copies the sample files to the inbox; what they are expected to give stays behind. A file of members says how things are on its day:
 * of those that belong to the jobs `again`, only the newest is copied.
 */
async function dropSamples(inbox: string, again: readonly Job[]): Promise<string[]> {
  const samples = comesWith('sample-files');
  const entries = await readdir(samples, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile() && entry.name !== 'README.md').map((entry) => entry.name);
  const outdated = again.flatMap((job) =>
    job.pipeline === 'sync-segment' ? names.filter(matchPattern(job.source.match)).sort().slice(0, -1) : [],
  );
  const dropped = names.filter((name) => !outdated.includes(name)).sort();
  for (const name of dropped) await copyFile(join(samples, name), join(inbox, name));
  return dropped;
}

/** Requests of a log that do not only look. */
async function countChanges(path: string): Promise<number> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.split('\n').filter((line) => line !== '' && !line.includes('"method":"GET"')).length;
}
