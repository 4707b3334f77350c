import type { Delivery } from '../../ledger/deliveries.ts';
import type { Processing } from '../../ledger/processings.ts';
import type { RunContext } from './context.ts';
import { VERDICT } from './row-index.ts';

/** States in which a row of an earlier pass is taken up again. */
const UNFINISHED = new Set(['waiting', 'unknown', 'failed']);

/**
 * Which rows of a file go in this pass, asked in file order: those that the check let through and that are not final. Of rows in
 * conflict, only one that a person has picked: it has a delivery that waits. Where a person asked for some rows only, the
 * others stay as they are, and so do later rows of the same people. `retryOnly`: only rows that were tried before.
 */
export function whichRows(
  ctx: Pick<RunContext, 'only'>,
  processing: Processing,
  retryOnly: boolean,
): (verdict: number, prior: Delivery | undefined, orderHash: Buffer | null) => boolean {
  const asked = ctx.only?.get(processing.id) ?? 'all';
  const passedOver = new Set<string>();
  return (verdict, prior, orderHash) => {
    if (verdict !== VERDICT.candidate && !(verdict === VERDICT.conflict && prior)) return false;
    if (prior ? !UNFINISHED.has(prior.state) : retryOnly) return false;
    if (asked === 'all') return true;
    const person = orderHash?.toString('hex') ?? '';
    if (prior && asked !== 'none' && asked(prior) && !passedOver.has(person)) return true;
    if (person !== '') passedOver.add(person);
    return false;
  };
}

/** An earlier try of the row may have been accepted: it never counts as unsent. */
export function isDoubtful(prior: Pick<Delivery, 'state' | 'ambiguous'> | undefined): boolean {
  return prior !== undefined && (prior.state === 'unknown' || prior.ambiguous > 0);
}
