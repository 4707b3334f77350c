import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { getProcessing } from '../../ledger/processings.ts';
import { placeOfManifest } from '../../pipelines/files/companions.ts';
import { stagedPaths } from '../../pipelines/files/context.ts';
import { planConfirm } from '../../pipelines/files/decide/plan-confirm.ts';
import { planReject } from '../../pipelines/files/decide/plan-reject.ts';
import { planRelease } from '../../pipelines/files/decide/plan-release.ts';
import { fileToReprocess, type Judged, planReprocess } from '../../pipelines/files/decide/plan-reprocess.ts';
import { planResolve } from '../../pipelines/files/decide/plan-resolve.ts';
import { planRetry } from '../../pipelines/files/decide/plan-retry.ts';
import type { PlannedFile } from '../../pipelines/files/decide/planned.ts';
import { judgeAgain } from '../../pipelines/files/dry-run.ts';
import { type DecisionKind, decisionVerb } from '../decide.ts';

export const RELEASE: DecisionKind = {
  name: 'release',
  plan: planRelease,
  preview: async ({ job, state, ...context }, files) => {
    if (job.pipeline !== 'sync-segment') return [...files];
    const { changesOfHeld } = await import('../../pipelines/sync-segment/preview.ts');
    const staging = join(state, 'staging');
    const shown: PlannedFile[] = [];
    for (const file of files) {
      const changes = await changesOfHeld({ ...context, staging }, job, file.processing);
      shown.push(changes.length === 0 ? file : { ...file, changes });
    }
    return shown;
  },
};
export const REJECT: DecisionKind = { name: 'reject', plan: planReject };
export const RESOLVE: DecisionKind = { name: 'resolve', plan: planResolve };
export const CONFIRM: DecisionKind = { name: 'confirm', plan: planConfirm };
export const RETRY: DecisionKind = { name: 'retry-rows', plan: planRetry };

export const REPROCESS: DecisionKind<Judged> = {
  name: 'reprocess',
  look: async ({ job, ledger, state, io, signal, progress }, request) => {
    const staging = join(state, 'staging');
    const { processing, name } = fileToReprocess({ ledger, staging }, request);
    const earlier = getProcessing(ledger, processing);
    const { archivedAs, takenPath } = earlier;
    // All pipelines: loaded by whoever needs them.
    const { destinationOf, outlineOf } = await import('../../pipelines/registry.ts');
    const { identity, laneFor } = destinationOf(job, ledger, io);
    const options = { job, ledger, io, signal, laneFor, outline: outlineOf(job, io), progress };
    const paths = stagedPaths(staging, processing);
    const input = { name, staged: paths.input, place: archivedAs || takenPath };
    const place = placeOfManifest(ledger, earlier, { manifest: job.source.manifest });
    const came = place !== undefined || existsSync(paths.manifest);
    const manifest = came ? { staged: paths.manifest, place: place ?? '' } : undefined;
    const file = await judgeAgain(options, input, manifest);
    return { file, goesTo: identity };
  },
  plan: (context, request, job, judged) => {
    if (!judged) throw new Error('a file is planned to be processed again without having been judged');
    return planReprocess(context, request, job, judged);
  },
};

export const release = decisionVerb(RELEASE);
export const reject = decisionVerb(REJECT);
export const resolve = decisionVerb(RESOLVE);
export const confirm = decisionVerb(CONFIRM);
export const retryRows = decisionVerb(RETRY);
export const reprocess = decisionVerb(REPROCESS);
