import { dedupeProof } from '../../ledger/dedupe-proofs.ts';
import type { Delivery } from '../../ledger/deliveries.ts';
import type { EventRecord } from '../../model.ts';
import type { RunContext } from './context.ts';

type EventRule = (event: Pick<EventRecord, 'eventName'>) => boolean;

/** Whether `verify-dedupe` has recorded that the destination drops an event whose key it has; it says yes to it as to the first. */
export function dropsRule(ctx: Pick<RunContext, 'ledger' | 'destination'>): EventRule {
  if (ctx.destination.repeatable) return () => true;
  const known = new Map<string, boolean>();
  return ({ eventName }) => {
    let drops = known.get(eventName);
    if (drops === undefined) {
      drops = dedupeProof(ctx.ledger, ctx.destination.identity, eventName)?.withinEvent === 'drops';
      known.set(eventName, drops);
    }
    return drops;
  };
}

/** A row whose delivery is unknown is sent again only where the destination is known to drop a key it has. */
export function resendRule(ctx: Pick<RunContext, 'job' | 'ledger' | 'destination'>, drops = dropsRule(ctx)): EventRule {
  if (ctx.destination.repeatable) return () => true;
  const { unknown } = ctx.job.delivery;
  return unknown === 'auto' ? drops : () => unknown === 'resend';
}

/** Why a row whose delivery is unknown is held. */
export function whyNotAgain({ reason }: Pick<Delivery, 'reason'>): string {
  return `${reason || 'no clear answer'}; it is not known whether the destination drops a key it has (verify-dedupe)`;
}
