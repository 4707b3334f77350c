import { awaitedOrders } from '../../../ledger/awaited-orders.ts';
import type { Processing } from '../../../ledger/processings.ts';
import { blockedOrders } from '../../../ledger/processings.ts';
import type { RunContext } from '../context.ts';
import type { CandidateRow } from './rows.ts';

/**
 * Whether a row has to let an earlier one of the same person go first: one of an earlier file that failed or is open, or that is
 * on its way in a file without an answer. Rows of one file go in file order by themselves.
 */
export function whoWaits(ctx: RunContext, processing: Processing): (row: CandidateRow) => boolean {
  const blocked = blockedOrders(ctx.ledger, processing.job, processing.id);
  const awaited = awaitedOrders(ctx.ledger, processing.job, processing.id);
  return ({ claim: { orderHash } }) =>
    orderHash !== null && (blocked.has(orderHash.toString('hex')) || awaited.has(orderHash));
}
