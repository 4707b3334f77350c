import { join } from 'node:path';
import { takesFiles } from '../jobs/check-links.ts';
import type { Job } from '../jobs/schema.ts';
import { openLedgerForReading } from '../ledger/open.ts';
import { EXIT, type Notice } from '../model.ts';
import { type DryRunFile, dryRunJob } from '../pipelines/files/dry-run.ts';
import { mustLieInFolder } from '../pipelines/files/inbox.ts';
import { gatherOf, laneFor, outlineOf, takes } from '../pipelines/registry.ts';
import { readJob } from '../schedule/jobs.ts';
import { noteOf, say } from './print.ts';
import { showProgress } from './progress.ts';
import { openWorld, stopSignal } from './shared.ts';

/** Prints what a run of a job would send, skip and refuse. */
export async function dryRun(
  request: { job: string; file?: string },
  options: { jobs?: string; state?: string; json?: boolean },
): Promise<number> {
  const { settings, io } = openWorld(options);
  const stop = stopSignal();
  const progress = showProgress(io, options.json === true);
  const job = await readJob(settings.jobs, request.job, io.env);
  if (request.file !== undefined) mustLieInFolder(job, request.file);
  const ledger = await openLedgerForReading(settings.ledger);
  const staging = join(settings.state, 'staging');
  const world = { ledger, io, signal: stop.signal, staging, progress: progress.tell };
  const notices: Notice[] = [];
  try {
    const files = await dryRunJob({
      job,
      ledger,
      io,
      signal: stop.signal,
      laneFor: laneFor(job, io),
      takes: takes(job),
      outline: outlineOf(job, io),
      ...(request.file === undefined ? { gather: gatherOf(job, world) } : { file: request.file }),
      progress: progress.tell,
      tell: (notice) => notices.push(notice),
    });
    progress.stop();
    if (options.json) say(JSON.stringify({ job: job.id, dryRun: true, files, notices }));
    else say([textOf(job, files).trimEnd(), ...notices.map(noteOf)].join('\n'));
    const attention = files.some((file) => file.refused || file.heldBecause || file.conflict > 0);
    return attention ? EXIT.attention : EXIT.ok;
  } finally {
    progress.stop();
    await ledger?.close();
    stop.dispose();
  }
}

/** Where there was nothing to look at. */
function nothingOf(job: Job): string {
  if (takesFiles(job)) return `${job.id}: no matching file in the inbox\n`;
  if (job.pipeline === 'sync-segment' && job.members.from === 'ledger')
    return `${job.id}: nothing to take: nobody was delivered, or its newest file says the same already\n`;
  return `${job.id}: its rows do not come as files, and only a run asks for them. referry doctor ${job.id} tries where they come from; --file PATH tries a file of such rows\n`;
}

function textOf(job: Job, files: readonly DryRunFile[]): string {
  if (files.length === 0) return nothingOf(job);
  const lines: string[] = [];
  for (const file of files) {
    lines.push(`${file.name}`);
    if (file.refused) {
      const said = file.refused.message.includes(`line ${file.refused.line}`);
      const line = file.refused.line && !said ? ` (line ${file.refused.line})` : '';
      lines.push(`  would be refused as a whole: ${file.refused.code}${line}: ${file.refused.message}`);
      if (file.refused.hint) lines.push(`  what to do: ${file.refused.hint}`);
      continue;
    }
    if (file.heldBecause) lines.push(`  would be held: ${file.heldBecause.code}: ${file.heldBecause.message}`);
    const { read, wouldSend, duplicate, conflict, rejected, held } = file;
    const others = `duplicate ${duplicate} + conflict ${conflict} + rejected ${rejected} + held ${held}`;
    // Of members only what differs leaves.
    if (file.segments) lines.push(`  read ${read} = members named ${wouldSend} + ${others}`);
    else lines.push(`  read ${read} = would send ${wouldSend} + ${others}; lane ${file.lane}`);
    if (file.takes) lines.push(`  takes: ${file.takes}`);
    for (const { segment, before, desired, toAdd, toRemove, unchanged, sample } of file.segments ?? []) {
      lines.push(
        `  ${segment}: ${desired} named, ${before} confirmed: would add ${toAdd}, remove ${toRemove}; ${unchanged} unchanged`,
      );
      for (const [what, ids] of Object.entries(sample))
        if (ids.length > 0) lines.push(`    ${what}, masked: ${ids.join(', ')}`);
    }
    for (const event of file.byEvent) {
      for (const [currency, totals] of Object.entries(event.money))
        lines.push(
          `  ${event.eventName}: would send ${totals.open ?? '0'} ${currency} of ${totals.read ?? '0'} ${currency}`,
        );
    }
    for (const reason of file.reasons) {
      const examples = reason.examples.map((example) => example.line).join(', ');
      lines.push(`  ${reason.outcome} ${reason.code}: ${reason.count}, e.g. line ${examples}`);
    }
  }
  const told = files.flatMap(({ segments = [] }) => segments.map(({ segment }) => segment));
  if (new Set(told).size < told.length)
    lines.push(
      '',
      'Each file is judged against the members of now. A run takes them one after the other, so later ones may come out otherwise.',
    );
  lines.push('', 'A dry run: nothing was taken, sent or stored.');
  return `${lines.join('\n')}\n`;
}
