import { join } from 'node:path';
import { freshToken } from '../jobs/fresh-token.ts';
import type { Job } from '../jobs/schema.ts';
import { recordDecision, stillToDecide } from '../ledger/decisions.ts';
import type { Ledger } from '../ledger/open.ts';
import { EXIT, type ExitCode, type Io, TransferError } from '../model.ts';
import type { Concern, Progress, RunContext } from '../pipelines/files/context.ts';
import type { DecisionRequest, PlanContext, Planned, PlannedFile } from '../pipelines/files/decide/planned.ts';
import type { RunResult } from '../pipelines/files/run-job.ts';
import { runPipeline } from '../pipelines/run-pipeline.ts';
import { readJob } from './jobs.ts';
import type { Verb } from './verb.ts';
import { exitCodeOf } from './verbs/run.ts';

/** What looking at a decision may need. It writes nothing. */
export interface LookContext {
  job: Job;
  ledger: Ledger;
  /** Folder of the ledger and the staged files. */
  state: string;
  io: Io;
  signal: AbortSignal;
  progress: (progress: Progress) => void;
}

/**
 * Something that a person can decide. `look` does what takes time, before; `plan` then says from the ledger what would
 * happen: once for the person, who agrees to its number, and once more inside the transaction that carries it out.
 */
export interface DecisionKind<Seen = undefined> {
  name: DecisionRequest['verb'];
  look?(context: LookContext, request: DecisionRequest): Promise<Seen>;
  plan(context: PlanContext, request: DecisionRequest, job: Job, seen: Seen | undefined): Planned;
  /** What the person is shown beside the plan. Nothing rests upon it. */
  preview?(context: LookContext, files: readonly PlannedFile[]): Promise<PlannedFile[]>;
}

/** What became of a decision. `run` is absent where there was nothing to do. */
export interface Decided {
  decision?: number;
  rows: number;
  files: PlannedFile[];
  nothing?: string;
  run?: RunResult;
}

/**
 * A decision as the executing process carries it out: counted anew and written to the ledger in one transaction, and then a run
 * that goes on with what it touched. A process that dies in between has left the decision in the ledger, and the next run of the
 * job goes on from there.
 */
export function decisionVerb<Seen>(kind: DecisionKind<Seen>): Verb<DecisionRequest, Decided> {
  return {
    name: kind.name,
    execute: async (request, options) => {
      const { ledger, io, signal, state } = options;
      const job = await readJob(options.jobs, request.job, io.env);
      const crashPoint = options.crashPoint ?? (() => {});
      const progress = options.progress ?? (() => {});
      const seen = await kind.look?.({ job, ledger, state, io, signal, progress }, request);
      const record = (plan: Planned): number => keep(ledger, request, plan, options.requestId ?? null, io.now());
      const planned = ledger.db
        .transaction(() => {
          const plan = kind.plan({ ledger, staging: join(state, 'staging') }, request, job, seen);
          mustBeAsSeen(plan, request);
          const empty = plan.rows === 0 && plan.about.length === 0 && !plan.decides;
          if (empty && !plan.goesOn) return { plan };
          const only = plan.apply(io.now());
          return { plan, going: { only, decision: empty || plan.first ? undefined : record(plan) } };
        })
        .immediate();
      const { rows, files, nothing } = planned.plan;
      const said = { rows, files, ...(nothing === undefined ? {} : { nothing }) };
      if (!planned.going) return { executed: said, exitCode: EXIT.ok };
      const { only } = planned.going;
      let { decision } = planned.going;
      const { first } = planned.plan;
      const begin =
        first &&
        (async (ctx: RunContext): Promise<void> => {
          await first(ctx);
          // Only now: what it rests upon may have turned out to be unreadable.
          decision = ledger.db.transaction(() => record(planned.plan)).immediate();
        });
      crashPoint('decision-planned');
      const told = { job: job.id, verb: request.verb, decision, rows, by: request.by };
      // A command that does it itself says so in its answer.
      if (options.requestId === undefined) io.log.debug(told, 'decided');
      else io.log.info(told, 'decided');
      const run = await goOn(job, only, begin, options);
      crashPoint('decision-applied');
      const decided = decision === undefined ? said : { ...said, decision };
      const code = exitCodeOf(run.account);
      const exitCode = code === EXIT.ok ? exitOf(stillToDecide(ledger, planned.plan.about)) : code;
      return { executed: { ...decided, run }, exitCode };
    },
  };
}

/** A row that was held, was sent and is held again moved nothing in the run's sums; whoever decided must hear of it. */
function exitOf(waiting: number): ExitCode {
  return waiting > 0 ? EXIT.attention : EXIT.ok;
}

function goOn(
  job: Job,
  only: ReadonlyMap<number, Concern> | undefined,
  first: Planned['first'],
  options: Parameters<Verb<DecisionRequest, Decided>['execute']>[1],
): Promise<RunResult> {
  const refreshToken = (): string | undefined => freshToken(job.path);
  return runPipeline({
    ...options,
    job,
    retryOnly: true,
    refreshToken,
    ...(only ? { only } : {}),
    ...(first ? { first } : {}),
  });
}

/** What the person agreed to is what happens, or nothing does. */
function mustBeAsSeen({ rows }: Planned, { expect, verb }: DecisionRequest): void {
  if (rows === expect) return;
  throw new TransferError(
    'CHANGED_MEANWHILE',
    `${expect} ${expect === 1 ? 'row was' : 'rows were'} agreed to, and by now it would be ${rows}; nothing was done`,
    { hint: `look again with --dry-run, then give the ${verb} command again` },
  );
}

function keep(ledger: Ledger, request: DecisionRequest, plan: Planned, requestId: number | null, at: number): number {
  const { verb, job, processingId = null, line = null, key = null, code, since, path, exportId } = request;
  const { reason, by, host } = request;
  const scope = { code, since, path, ...(exportId === undefined ? {} : { export: `e${exportId}` }) };
  const decision = { verb, job, processingId, line, key, scope, rows: plan.rows, reason, by, host, at, requestId };
  return recordDecision(ledger.db, decision, plan.about);
}
