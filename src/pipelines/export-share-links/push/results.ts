import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReasonAccount } from '../../../accounts.ts';
import { secureLink } from '../../../exports/link.ts';
import {
  countsOfPush,
  openOfPush,
  type PlannedResults,
  type Push,
  type PushTo,
  rowsOfPush,
} from '../../../ledger/pushes.ts';
import type { Counts } from '../../../model.ts';
import { resultsFormat } from '../../../reports/results.ts';
import { createResultsFile } from '../../../reports/results-file.ts';
import { createTally, emptyCounts } from '../../../reports/tally.ts';
import type { AfterContext } from '../after-context.ts';

/** Read and written at once: so many take some milliseconds. */
const PAGE = 500;
/** No link has this number. */
const LAST = Number.MAX_SAFE_INTEGER;
const HEADER = 'email,partner_user_id,share_link';

/** Where results of pushes are until they are in place. */
export function resultsPath({ staging }: Pick<AfterContext, 'staging'>, name: string): string {
  return join(staging, 'exports', name);
}

/** What the results of a pass are, and why its rows ended as they did. */
export interface Told {
  planned: PlannedResults;
  reasons: ReasonAccount[];
}

/** The results file of a pass: one line for each row, in the order of the ledger's links. */
export interface PushResults {
  /** Writes what is before a link: rows before it have their outcome, and keep it. */
  upTo(link: number): Promise<void>;
  /** Writes the rest. */
  finish(): Promise<Told>;
  /** Closes and removes the file. Harmless after `finish`, where it stays. */
  discard(): Promise<void>;
}

/** `stem`: the name without `.pgp`. */
export async function openResults(ctx: AfterContext, push: Push, stem: string): Promise<PushResults> {
  const { encryptTo } = ctx.job.report;
  const name = encryptTo === undefined ? stem : `${stem}.pgp`;
  await mkdir(join(ctx.staging, 'exports'), { recursive: true, mode: 0o700 });
  const format = resultsFormat({ delimiter: ',', header: HEADER, json: false });
  const writer = await createResultsFile(resultsPath(ctx, name), format, encryptTo);
  const tally = createTally();
  let line = 1;
  let after = 0;
  const upTo = async (before: number): Promise<void> => {
    for (const page of pagesOf(ctx, push, { after, before })) {
      for (const row of page) {
        line++;
        after = row.linkId;
        const { outcome, code, reason, eventId, attempts, link } = row;
        if (code !== '') tally.add({ line, state: outcome, code, reason, eventName: '' });
        const at = row.at === 0 ? '' : new Date(row.at).toISOString();
        const shown = secureLink(link) ?? link;
        const who = `${quoted(row.email ?? '')},${quoted(row.partnerUserId ?? '')},${quoted(shown)}`;
        writer.add({ line, outcome, code, reason, eventId, attempts, at }, who);
      }
      await writer.flush();
      // Calls may be due meanwhile.
      await ctx.io.sleep(0);
      ctx.signal.throwIfAborted();
    }
  };
  return {
    upTo,
    async finish() {
      await upTo(LAST);
      const { size, sha256, lines } = await writer.finish();
      return { planned: { name, size, sha256, lines }, reasons: tally.pieces().reasons };
    },
    discard: () => writer.discard(),
  };
}

/** Why rows of a pass ended as they did. */
export function reasonsOf(ctx: AfterContext, push: Push): ReasonAccount[] {
  const tally = createTally();
  let line = 1;
  for (const page of pagesOf(ctx, push, { after: 0, before: LAST }))
    for (const { outcome, code, reason } of page) {
      line++;
      if (code !== '') tally.add({ line, state: outcome, code, reason, eventName: '' });
    }
  return tally.pieces().reasons;
}

function* pagesOf(
  { ledger }: AfterContext,
  push: Push,
  { after, before }: { after: number; before: number },
): Generator<ReturnType<typeof rowsOfPush>> {
  for (let from = after; ; ) {
    const page = rowsOfPush(ledger, push.id, { after: from, before }, PAGE);
    yield page;
    const last = page.at(-1);
    if (!last || page.length < PAGE) return;
    from = last.linkId;
  }
}

/** read = outcomes + open, as the ledger has them. */
export function countsOf(ctx: AfterContext, to: PushTo, push: Push): Counts {
  const outcomes = countsOfPush(ctx.ledger, push.id);
  const open = openOfPush(ctx.ledger, ctx.links, to.id, push);
  const read = Object.values(outcomes).reduce((sum, n) => sum + n, 0) + open;
  return { ...emptyCounts(), ...outcomes, read, open };
}

const quoted = (cell: string): string => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
