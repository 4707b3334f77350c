import { parseStoredDefinition } from '../../jobs/definition.ts';
import { getProcessing, type Processing } from '../../ledger/processings.ts';
import { getDefinition } from '../../ledger/registry.ts';
import type { FileAccount } from '../../model.ts';
import type { RunContext } from './context.ts';
import type { createRunAccount } from './run-account.ts';

type Account = Pick<ReturnType<typeof createRunAccount>, 'notices' | 'leaveOpen'>;

/** What is known so far of a file that could not be brought further. */
export function openAccount(ctx: RunContext, { id }: Processing): FileAccount {
  const processing = getProcessing(ctx.ledger, id);
  if (processing.account) return { ...processing.account, state: 'open' };
  const read = processing.read ?? 0;
  return {
    job: ctx.job.id,
    processing: `p${processing.id}`,
    name: processing.name,
    sha256: '',
    bytes: processing.size,
    state: 'open',
    counts: { read, delivered: 0, duplicate: 0, conflict: 0, rejected: 0, failed: 0, held: 0, open: read },
    byEvent: [],
    reasons: [],
    notices: [],
    balanced: true,
  };
}

/** What rows are, a person or a fact, is told by the definition that they were taken under. */
function samePipeline(ctx: RunContext, { definitionId }: Processing): boolean {
  const { event } = parseStoredDefinition(getDefinition(ctx.ledger, definitionId).body);
  return kindOf(event) === kindOf(ctx.job.event);
}

/** Settings of events have none of these. */
const kindOf = (event: object): string | undefined => ['customers', 'members'].find((kind) => kind in event);

/** Rows that were meant for another account are not sent to this one. */
export function sameDestination(ctx: RunContext, processing: Processing, account: Account): boolean {
  if (!samePipeline(ctx, processing)) {
    account.notices.push({
      code: 'OTHER_PIPELINE',
      message: `${processing.name} has open rows from when the job had another pipeline; they wait until it is set back`,
    });
    account.leaveOpen(processing.account ?? openAccount(ctx, processing));
    return false;
  }
  if (processing.destinationId === ctx.destinationId) return true;
  account.notices.push({
    code: 'OTHER_DESTINATION',
    message: `${processing.name} has open rows for another account or container than the job names now; they wait until it is set back`,
  });
  account.leaveOpen(processing.account ?? openAccount(ctx, processing));
  return false;
}
