import { visible } from '../reports/visible.ts';
import { clockTime } from '../reports/words.ts';
import { chartOf } from './collect-segments.ts';
import type { Executor, JobStatus, Left, Status } from './collect-status.ts';
import { age, count, note, say, table } from './print.ts';

/** The status for people: who executes, one block a job, and what waits for a person. */
export function printStatus(status: Status, now: number): void {
  if (status.ledger === null) say('There is no ledger yet: nothing has run so far.');
  else say(executorLine(status.executor, now));
  if (status.jobFileErrors > 0) note(`${count(status.jobFileErrors, 'error')} in the job files: referry check`);
  for (const job of status.jobs) {
    say();
    say(job.file === null ? `${job.id} (no job file has this id)` : job.id);
    for (const line of table(jobRows(job, now), '  ')) say(line);
  }
  say();
  if (status.attention.length === 0) say('Nothing waits for a person.');
  else {
    say('Waits for a person:');
    for (const line of status.attention) say(visible(`  ${line}`));
  }
}

export function executorLine(executor: Executor | null, now: number): string {
  if (executor === null) return 'Nothing executes now.';
  const { kind, host, pid, since, alive } = executor;
  const who = `${kind === 'daemon' ? 'The daemon' : 'A command'} (process ${pid} on ${visible(host)})`;
  const started = since === null ? '' : ` for ${age(now - Date.parse(since))}`;
  if (alive === false)
    return `${who} ended without saying so; what it had on the way is unknown, and the next run goes on from there.`;
  return `${who} has been executing${started}${alive === null ? '; it is on another machine, so whether it lives cannot be told' : ''}.`;
}

function jobRows(job: JobStatus, now: number): string[][] {
  const rows = [['last run', lastRun(job)]];
  if (job.broken) rows.push(['next run', 'none: its file has errors; referry check']);
  else if (job.file !== null) rows.push(['next run', nextRun(job)]);
  if (job.retryAt !== null)
    rows.push(['', `the daemon makes up the last one before, at about ${clockTime(job.retryAt, job.timezone)}`]);
  if (job.login !== null) rows.push(['login', refusedLogin(job)]);
  rows.push(['rows', leftovers(job.rows, now)], ['files', leftovers(job.files, now)]);
  for (const file of job.openFiles) {
    const read =
      file.read === null ? '' : `, ${count(file.read, 'row')}, ${file.delivered.toLocaleString('en-US')} delivered`;
    rows.push(['', `${file.name}: ${file.state}${read}`]);
    if (file.waitsFor) {
      const { processing, name, held } = file.waitsFor;
      const then = held ? `which is held: referry held ${job.id}` : `which is decided: referry run ${job.id}`;
      rows.push(['', `  waits for ${processing} (${name}), ${then}`]);
    }
    if (file.awaits?.since)
      rows.push([
        '',
        `  waits for the answer to ${file.awaits.name}, sent ${age(now - Date.parse(file.awaits.since))} ago`,
      ]);
  }
  for (const each of job.targets) rows.push([each.kind, targetLine(each, job.timezone)]);
  for (const { segment, members, syncedAt, running, history } of job.segments) {
    const when = syncedAt === null ? 'never synced' : `synced ${age(now - Date.parse(syncedAt))} ago`;
    rows.push([
      'segment',
      `${segment}: ${count(members, 'member')}, ${when}${running ? ', not through yet' : ''}  ${chartOf(history)}`.trimEnd(),
    ]);
  }
  for (const { words, since } of job.expected)
    rows.push(['expected', `${words}${since === null ? '' : `, since ${clockTime(since, job.timezone)}`}`]);
  if (job.lastReport !== null) rows.push(['report', job.lastReport]);
  for (const { eventName, verified, drops } of job.dedupe) {
    const state = drops
      ? 'verified: a known key is dropped'
      : verified
        ? 'verified: a known key is NOT surely dropped, so a row with a lost answer is held'
        : `not verified, so a row with a lost answer is held: referry verify-dedupe ${job.id}`;
    rows.push(['dedupe', `${eventName}: ${state}`]);
  }
  return rows;
}

function lastRun({ lastRun: run, timezone }: JobStatus): string {
  if (run === null) return 'never';
  const when = `${run.startedAt === null ? '-' : clockTime(run.startedAt, timezone)} (${run.id}, ${run.cause})`;
  if (run.state !== 'finished') return `${when}: ${run.state}`;
  const outcome = run.halted === null ? '' : `halted: ${run.halted.code}: ${run.halted.reason}; `;
  const balance = run.balanced === false ? 'DOES NOT BALANCE' : 'balanced';
  return `${when}: ${outcome}${count(run.files, 'file')}, ${countsOf(run.counts)}${balance}`;
}

function countsOf(counts: Record<string, number> | null): string {
  const told = Object.entries(counts ?? {}).filter(([, n]) => n > 0);
  return told.map(([name, n]) => `${n.toLocaleString('en-US')} ${name}, `).join('');
}

function targetLine({ kind, target, lastAt, ...state }: JobStatus['targets'][number], timezone: string): string {
  const what = kind === 'export' ? 'row' : 'profile';
  const last = lastAt === null ? 'nothing so far' : `${count(state.rows, what)}, ${clockTime(lastAt, timezone)}`;
  const more = [
    state.held ? `held: ${count(state.held.rows, 'row')}, ${state.held.code}` : '',
    state.rejected > 0 ? `${state.rejected} rejected` : '',
    state.failed > 0 ? `${state.failed} failed` : '',
    state.givenUp > 0 ? `${state.givenUp} failed for too long, and given up` : '',
    state.open ? `open${state.code === '' ? '' : `, stopped: ${state.code}`}` : '',
  ];
  return [`${target}: ${last}`, ...more].filter(Boolean).join('; ');
}

function refusedLogin({ login, timezone, id }: JobStatus): string {
  const times = login?.refusals === 1 ? 'once' : `${login?.refusals} times in a row`;
  const last = login?.at ? `, last at ${clockTime(login.at, timezone)}` : '';
  const until = login?.pausedUntil
    ? `; the schedule does not try again before ${clockTime(login.pausedUntil, timezone)}`
    : '';
  return `refused ${times}${last}${until}; once it is put right: referry run ${id}`;
}

function nextRun(job: JobStatus): string {
  if (job.schedule === null || job.nextFire === null) return `by hand only: referry run ${job.id}`;
  return `${clockTime(job.nextFire, job.timezone)} ("${job.schedule}")`;
}

function leftovers(left: Readonly<Record<string, Left>>, now: number): string {
  const told = Object.entries(left).filter(([, { count: n }]) => n > 0);
  if (told.length === 0) return 'nothing open';
  return told
    .map(([name, { count: n, oldest }]) => {
      const since = oldest === null ? '' : ` (oldest ${age(now - Date.parse(oldest))})`;
      return `${n.toLocaleString('en-US')} ${name}${since}`;
    })
    .join(', ');
}
