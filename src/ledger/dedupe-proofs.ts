import type { DestinationIdentity } from '../model.ts';
import type { Ledger } from './open.ts';

export type DedupeFinding = 'drops' | 'keeps' | 'unproven';

export interface DedupeProof {
  eventName: string;
  withinEvent: DedupeFinding;
  acrossEvents: DedupeFinding;
  evidence: string;
  provenAt: number;
}

/** Records what `verify-dedupe` found for an account and event name. */
export function recordDedupeProof(ledger: Ledger, identity: DestinationIdentity, proof: DedupeProof): void {
  ledger.db
    .prepare(
      `INSERT INTO dedupe_proofs (provider, account, event_name, within_event, across_events, evidence, proven_at)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      identity.provider,
      identity.account,
      proof.eventName,
      proof.withinEvent,
      proof.acrossEvents,
      proof.evidence,
      proof.provenAt,
    );
}

/** The newest finding, or `undefined` where it was never verified. */
export function dedupeProof(ledger: Ledger, identity: DestinationIdentity, eventName: string): DedupeProof | undefined {
  const row = ledger.db
    .prepare<
      [string, string, string],
      { within_event: DedupeFinding; across_events: DedupeFinding; evidence: string; proven_at: number }
    >(
      `SELECT within_event, across_events, evidence, proven_at FROM dedupe_proofs
       WHERE provider = ? AND account = ? AND event_name = ? ORDER BY id DESC LIMIT 1`,
    )
    .get(identity.provider, identity.account, eventName);
  return (
    row && {
      eventName,
      withinEvent: row.within_event,
      acrossEvents: row.across_events,
      evidence: row.evidence,
      provenAt: row.proven_at,
    }
  );
}
