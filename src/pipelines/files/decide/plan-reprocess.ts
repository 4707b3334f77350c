import { storedDefinition } from '../../../jobs/definition.ts';
import type { Job } from '../../../jobs/schema.ts';
import { decideFile } from '../../../ledger/decide-file.ts';
import { rowsInScope } from '../../../ledger/held-rows.ts';
import { type ListedFile, listFiles } from '../../../ledger/known-files.ts';
import { getProcessing } from '../../../ledger/processings.ts';
import { destinationId, storeDefinition } from '../../../ledger/registry.ts';
import { openReprocessing } from '../../../ledger/reprocess.ts';
import { syncedSince } from '../../../ledger/segment-syncs.ts';
import { type DestinationIdentity, TransferError } from '../../../model.ts';
import type { Concern } from '../context.ts';
import type { DryRunFile } from '../dry-run.ts';
import type { DecisionRequest, PlanContext, Planned } from './planned.ts';

/** What comes of a file under the job as it is now, and where its rows go. */
export interface Judged {
  file: DryRunFile;
  goesTo: DestinationIdentity;
}

/** The same contents are judged anew under the job's present definition. */
export function planReprocess(
  context: PlanContext,
  request: DecisionRequest,
  job: Job,
  { file: judged, goesTo }: Judged,
): Planned {
  const { ledger } = context;
  const { processing } = fileToReprocess(context, request);
  const earlier = getProcessing(ledger, processing);
  const same = ledger.db
    .prepare<[number], { sha256: string }>('SELECT sha256 FROM definitions WHERE id = ?')
    .get(earlier.definitionId);
  const unchanged = same?.sha256 === storedDefinition(job).sha256 && earlier.refusal?.verdict !== 'refused';
  if (unchanged && judged.wouldSend === 0)
    return {
      rows: 0,
      files: [],
      nothing: `${earlier.name} was judged under the job's present definition already, and nothing of it would be sent`,
      about: [],
      apply: () => new Map(),
    };
  const about = [{ processingId: processing, line: 0 }];
  return {
    rows: judged.wouldSend,
    files: [{ processing, name: earlier.name, rows: judged.wouldSend, because: wordsOf(judged) }],
    about,
    apply: (at) => {
      const opened = openReprocessing(ledger.db, earlier, {
        definitionId: storeDefinition(ledger, storedDefinition(job), at),
        destinationId: destinationId(ledger, goesTo),
        at,
      });
      about.push({ processingId: opened.id, line: 0 });
      const { refusal } = earlier;
      const held = refusal?.verdict === 'held';
      if (held) decideFile(ledger.db, earlier.id, refusal, 'superseded', `as p${opened.id}`);
      const only = new Map<number, Concern>([[opened.id, 'all']]);
      if (held || opened.changed) only.set(earlier.id, 'none');
      return only;
    },
  };
}

/** Its newest pass, which must be through, and the newest of its members. Throws `USAGE`. */
export function fileToReprocess({ ledger }: PlanContext, { job, processingId }: DecisionRequest): ListedFile {
  const file = listFiles(ledger, { job, processing: processingId })[0];
  if (!file) throw usage(`job ${job} has no file p${processingId}`, `referry files ${job} lists them`);
  if (file.superseded) {
    const later = listFiles(ledger, { job }).findLast(
      ({ sha256, repeatOf }) => sha256 === file.sha256 && repeatOf === null,
    );
    throw usage(
      `${file.name} was processed again since, as p${later?.processing}`,
      `name that one: p${later?.processing}`,
    );
  }
  const open = rowsInScope(ledger, { job, processingId: file.processing, states: ['waiting', 'unknown'] });
  if (file.state !== 'closed' || open.length > 0)
    throw usage(`${file.name} is not through yet`, `referry run ${job}, then this again`);
  const later = syncedSince(ledger, file.processing);
  if (later)
    throw usage(
      `${later.name} (p${later.processing}), a later file of the same segment, was synced since, and ${file.name} would undo what it said`,
      `referry reprocess p${later.processing} --reason TEXT judges the later one again; where the members of ${file.name} are those that count, have it sent once more`,
    );
  return file;
}

function wordsOf(judged: DryRunFile): string {
  const { read, duplicate, conflict, rejected, held, refused, heldBecause, segments = [] } = judged;
  if (refused) return `would be refused: ${refused.code}: ${refused.message}`;
  if (heldBecause && !heldBecause.segments) return `would be held as a whole: ${heldBecause.code}`;
  const rows = `read ${read}, duplicate ${duplicate}, conflict ${conflict}, rejected ${rejected}, held ${held}`;
  const changes = segments.map(({ segment, toAdd, toRemove }) => {
    const code = heldBecause?.segments?.[segment];
    if (code !== undefined) return `${segment} would be held: ${code}`;
    return `${segment} would add ${toAdd} and remove ${toRemove}`;
  });
  return [rows, ...changes].join('; ');
}

function usage(message: string, hint: string): TransferError {
  return new TransferError('USAGE', message, { hint });
}
