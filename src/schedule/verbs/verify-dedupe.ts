import { verifyDedupe as verify } from '../../destinations/extole/verify-dedupe.ts';
import type { Job } from '../../jobs/schema.ts';
import { recordDedupeProof } from '../../ledger/dedupe-proofs.ts';
import { possibleNames } from '../../mapping/compile.ts';
import { EXIT, TransferError } from '../../model.ts';
import { readJob } from '../jobs.ts';
import type { Verb } from '../verb.ts';

export interface VerifyDedupeRequest {
  verb: 'verify-dedupe';
  job: string;
  event?: string;
  other?: string;
  settleMs?: number;
  perMinute?: number;
}

export interface DedupeFindings {
  eventName: string;
  withinEvent: string;
  acrossEvents: string;
  evidence: string;
}

/** Finds out whether an account drops a key it knows, and records it. */
export const verifyDedupe: Verb<VerifyDedupeRequest, { findings: DedupeFindings[] }> = {
  name: 'verify-dedupe',
  execute: async (request, { ledger, io, signal, jobs }) => {
    const job = await readJob(jobs, request.job, io.env);
    if (job.pipeline !== 'deliver-events')
      throw new TransferError('USAGE', `job ${job.id} makes share links, and sends no events`, {
        hint: 'nothing needs to be verified: asking for a link again finds the one that is there',
      });
    const { verify: waits, ...rest } = job.destination.extole;
    const { settleMs } = request;
    // Whoever knows how late events show at an account may wait less, or more.
    const quicker =
      settleMs === undefined ? waits : { ...waits, settle: settleMs, poll: Math.min(waits.poll, settleMs) };
    const requestsPerMinute = request.perMinute ?? rest.requestsPerMinute;
    const settings = { ...rest, requestsPerMinute, verify: quicker };
    const names = request.event === undefined ? eventNamesOf(job) : [request.event];
    const findings: DedupeFindings[] = [];
    for (const [i, eventName] of names.entries()) {
      const other = request.other ?? names[(i + 1) % names.length] ?? eventName;
      const otherName = other === eventName ? `${eventName}_referry_check` : other;
      const verdict = await verify(settings, eventName, otherName, io, { timeouts: job.delivery, signal });
      const { withinEvent, acrossEvents, evidence, at } = verdict;
      recordDedupeProof(
        ledger,
        { provider: 'extole', account: settings.account, container: 'test' },
        { eventName, withinEvent, acrossEvents, evidence, provenAt: at },
      );
      findings.push({ eventName, withinEvent, acrossEvents, evidence });
    }
    const proven = findings.every((finding) => finding.withinEvent === 'drops');
    return { executed: { findings }, exitCode: proven ? EXIT.ok : EXIT.attention };
  },
};

/** The event names that a job can send. Throws `USAGE` where it takes any from its files. */
export function eventNamesOf(job: Job): string[] {
  if (job.pipeline !== 'deliver-events') return [];
  const names = possibleNames(job.event);
  if (names.length > 0) return names;
  throw new TransferError('USAGE', `job ${job.id} takes its event names from the file and allows any`, {
    hint: 'name the event to verify: --event NAME',
  });
}
