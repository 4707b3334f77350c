import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { LATENCY_BOUNDS_MS, type ReadableMeter } from '../delivery/meter.ts';
import { filesByJob, lastEnds, lastSuccess, ledgerBytes, queues, rowsByJob } from '../ledger/measures.ts';
import type { Ledger } from '../ledger/open.ts';
import { lastFire } from '../ledger/schedules.ts';
import type { Io } from '../model.ts';
import { BACKUP_MADE } from '../schedule/duty-backup.ts';
import type { Tally } from './tally.ts';

export interface MetricsOptions {
  ledger: Ledger;
  meter: ReadableMeter;
  io: Io;
  version: string;
  /** Ids of the jobs as they are now: those and the ledger's are the only values of the label `job`. */
  jobs: () => Promise<readonly string[]>;
  /** What became of posts; absent where none are taken. */
  tally?: Pick<Tally, 'counts'>;
}

/**
 * The metrics in Prometheus' text format. What a restart would lose is read from the ledger at each look and is a gauge; only the
 * latency histogram and the count of webhooks start anew with the process. Labels hold ids of jobs, outcomes, states and lanes, and nothing of a row.
 */
export function createMetrics(options: MetricsOptions): { contentType: string; text(): Promise<string> } {
  const { ledger, meter, io } = options;
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[]): Gauge<L> =>
    new Gauge({ name: `referry_${name}`, help, labelNames: [...labelNames], registers: [registry] });

  const info = gauge('build_info', 'Always 1; the version is the label.', ['version']);
  const rows = gauge(
    'rows',
    'Rows of all files by what became of them, as it stands now. A gauge: a failed row may be delivered later.',
    ['job', 'outcome'],
  );
  const files = gauge('files', 'Files by state, as it stands now.', ['job', 'state']);
  const window = gauge('window_rows', 'Rows that are claimed and whose answer is not recorded yet.', ['job']);
  const queue = gauge('queue_age_seconds', 'Age of the oldest file with rows that are open or failed; 0: none.', [
    'job',
  ]);
  const held = gauge('held_rows', 'Rows that wait for a person.', ['job']);
  const heldAge = gauge('held_age_seconds', 'Age of the oldest file with rows that wait for a person; 0: none.', [
    'job',
  ]);
  const bytes = gauge('ledger_bytes', 'Size of the ledger on disk: the database, and its write-ahead log.', ['part']);
  const success = gauge('last_success_timestamp_seconds', 'When a run last ended, not halted and balanced.', ['job']);
  const backup = gauge('last_backup_timestamp_seconds', 'When the daemon last made a backup; 0: never.', []);
  const took = gauge('last_run_seconds', 'How long the newest finished run took.', ['job']);
  const halted = gauge('last_run_halted', '1 where the newest finished run was halted, else 0.', ['job']);
  info.set({ version: options.version }, 1);

  const look = async (): Promise<void> => {
    const now = io.now();
    const age = (since: number): number => (since === 0 ? 0 : Math.max(0, (now - since) / 1000));
    for (const each of [rows, files, window, queue, held, heldAge, success, took, halted]) each.reset();
    const counted = rowsByJob(ledger);
    for (const { job, counts } of counted)
      for (const [outcome, n] of Object.entries(counts)) rows.set({ job, outcome }, n);
    for (const { job, state, files: n } of filesByJob(ledger)) files.set({ job, state }, n);
    const waiting = new Map(queues(ledger).map((each) => [each.job, each]));
    const windows = meter.windows();
    for (const job of new Set([...(await options.jobs()), ...counted.map((each) => each.job), ...waiting.keys()])) {
      const its = waiting.get(job);
      window.set({ job }, windows.get(job) ?? 0);
      queue.set({ job }, age(its?.openSince ?? 0));
      held.set({ job }, its?.held ?? 0);
      heldAge.set({ job }, age(its?.heldSince ?? 0));
      const succeeded = lastSuccess(ledger, job);
      if (succeeded !== undefined) success.set({ job }, succeeded / 1000);
      const [newest] = lastEnds(ledger, job, 1);
      if (newest === undefined) continue;
      took.set({ job }, newest.took / 1000);
      halted.set({ job }, newest.halted === null ? 0 : 1);
    }
    backup.set((lastFire(ledger, BACKUP_MADE) ?? 0) / 1000);
    const size = ledgerBytes(ledger);
    bytes.set({ part: 'db' }, size.db);
    bytes.set({ part: 'wal' }, size.wal);
  };

  return {
    contentType: registry.contentType,
    text: async () => {
      await look();
      return `${await registry.metrics()}\n${latencyText(meter)}${options.tally ? webhookText(options.tally) : ''}`;
    },
  };
}

const LATENCY = 'referry_delivery_seconds';

/** Counted by the meter while rows are sent; put in the text format, as Prometheus wants a histogram, only when somebody looks. */
function latencyText(meter: ReadableMeter): string {
  const lines = [
    `# HELP ${LATENCY} Time from handing a row to its lane to its answer, since the process started. On the lane events it holds the wait for a turn.`,
    `# TYPE ${LATENCY} histogram`,
  ];
  for (const { lane, counts, sumMs } of meter.latencies()) {
    let total = 0;
    for (const [i, count] of counts.entries()) {
      total += count;
      const bound = LATENCY_BOUNDS_MS[i];
      lines.push(`${LATENCY}_bucket{lane="${lane}",le="${bound === undefined ? '+Inf' : bound / 1000}"} ${total}`);
    }
    lines.push(`${LATENCY}_sum{lane="${lane}"} ${sumMs / 1000}`, `${LATENCY}_count{lane="${lane}"} ${total}`);
  }
  return `${lines.join('\n')}\n`;
}

const WEBHOOKS = 'referry_webhooks_total';

function webhookText(tally: Pick<Tally, 'counts'>): string {
  const lines = [
    `# HELP ${WEBHOOKS} Posts of providers by job and by what became of them, since the process started.`,
    `# TYPE ${WEBHOOKS} counter`,
  ];
  for (const { job, result, n } of tally.counts()) lines.push(`${WEBHOOKS}{job="${job}",result="${result}"} ${n}`);
  return `${lines.join('\n')}\n`;
}
