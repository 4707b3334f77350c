import { operationsAt } from './check-members.ts';
import { type Facts, isThrough } from './facts.ts';
import type { InputFile } from './oracle.ts';
import type { Story } from './scenario.ts';
import type { CrashWorld } from './world.ts';

export const SEGMENTS = ['vip', 'new'] as const;

/** Places that a run comes by, beside those of every file. */
export const IN_A_SYNC = ['sync-begun', 'chunk-claimed', 'chunk-answered', 'chunk-settled', 'sync-ended'];

/** Rows that are refused, and one that is there twice; then the trailer, which counts them all. */
function withTrailer(name: string, header: string, rows: readonly string[], more: readonly string[]): InputFile {
  const all = [...rows, rows[0] ?? '', ...more];
  return { name, text: `${[header, ...all, `TRAILER,${all.length}`].join('\n')}\n` };
}

/** Everybody in each segment. */
export function snapshot(name: string, members: Readonly<Record<string, readonly number[]>>): InputFile {
  const rows = Object.entries(members).flatMap(([segment, its]) => its.map((n) => `user-${n},${segment}`));
  return withTrailer(name, 'id,segment', rows, [',vip', 'user-1,others']);
}

/** Who comes and who goes. */
export function changes(name: string, rows: readonly (readonly [number, string, 'add' | 'remove'])[]): InputFile {
  const told = rows.map(([n, segment, action]) => `user-${n},${segment},${action}`);
  return withTrailer(name, 'id,segment,action', told, [',vip,add', 'user-1,others,remove']);
}

export const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

/** No row is open, neither here nor at the target. */
export const isSynced = (facts: Facts): boolean =>
  isThrough(facts) &&
  (facts.ledger?.processings ?? []).every(({ account }) => account !== null && JSON.parse(account).counts.open === 0);

const marks = new WeakMap<CrashWorld, number[]>();

/** How many operations the target had taken when each file was through. */
export const marksOf = (world: CrashWorld): readonly number[] => marks.get(world) ?? [];

/** The operations that the target has taken since the newest file was through. */
export const operationsAfter = (world: CrashWorld): ReturnType<typeof operationsAt> =>
  operationsAt(world).slice(marksOf(world).at(-1) ?? 0);

/** Drops a file and runs the job until it is through. */
export async function bring({ world, ...story }: Story, file: InputFile, kills: number): Promise<void> {
  story.drop(file);
  await story.live(['run', 'feed', '--json'], { kills, until: isSynced });
  noteThrough(world);
}

/** All that the newest file changes has left. */
export function noteThrough(world: CrashWorld): void {
  marks.set(world, [...marksOf(world), operationsAt(world).length]);
}

/** Of the usual job, what makes it one of segments. */
export function segmentsJob({ world }: Story, kind: 'snapshot' | 'changes'): Parameters<Story['job']>[0] {
  return {
    pipeline: 'sync-segment',
    ...{ event: null, destination: null },
    file: { trailer: { startsWith: 'TRAILER', count: 2 } },
    members: {
      ...{ kind, id: 'id', segmentFrom: 'column', segmentColumn: 'segment' },
      ...(kind === 'changes' ? { action: { column: 'action' } } : {}),
    },
    segments: { vip: 'VIP customers', new: 'New customers' },
    guards: { maxShrink: 1, maxGrowth: 1000 },
    target: {
      braze: {
        account: 'acme',
        url: world.servers.tools.cohorts ?? '',
        cohort: {
          ...{ partner: 'heap', partnerApiKey: 'sandbox-partner-key', clientSecret: 'sandbox-import-key' },
          ...{ idsPerCall: 4, requestsPerHour: 10_000_000 },
        },
        patience: '5s',
        backoff: { first: '5ms', cap: '40ms' },
        timeout: { headers: '400ms', total: '600ms' },
      },
    },
    delivery: { window: null, unknown: null, concurrency: null },
  };
}
