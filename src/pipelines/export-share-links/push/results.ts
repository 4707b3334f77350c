import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { secureLink } from '../../../exports/link.ts';
import { countsOfPush, openOfPush, type Push, type PushTo, rowsOfPush } from '../../../ledger/pushes.ts';
import type { Counts, ReasonAccount } from '../../../model.ts';
import { resultsFormat } from '../../../reports/results.ts';
import { createResultsFile, keepEncrypted, type ResultsSummary } from '../../../reports/results-file.ts';
import { createTally, emptyCounts } from '../../../reports/tally.ts';
import type { AfterContext } from '../after-context.ts';

const PAGE = 1000;
const HEADER = 'email,partner_user_id,share_link';

/** One line for each row of a pass, in the order of the ledger's links, and why rows ended as they did. */
export async function writeResults(
  ctx: AfterContext,
  push: Push,
  name: string,
): Promise<{ results: ResultsSummary; reasons: ReasonAccount[] }> {
  const folder = join(ctx.staging, 'exports');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const format = resultsFormat({ delimiter: ',', header: HEADER, json: false });
  const writer = await createResultsFile(join(folder, name), format, ctx.job.report.encryptTo);
  const tally = createTally();
  let line = 1;
  try {
    for (let after = 0; ; ) {
      const page = rowsOfPush(ctx.ledger, push.id, after, PAGE);
      for (const { link, row } of page) {
        line++;
        const { outcome, code, reason, eventId, attempts } = row;
        const at = row.at === 0 ? '' : new Date(row.at).toISOString();
        const shown = secureLink(link.link) ?? link.link;
        const who = [link.email ?? '', link.partnerUserId ?? '', shown].map(quoted).join(',');
        writer.add({ line, outcome, code, reason, eventId, attempts, at }, who);
        tally.add({ line, state: outcome, code, reason, eventName: '' });
      }
      await writer.flush();
      const last = page.at(-1);
      if (!last || page.length < PAGE) break;
      after = last.link.id;
    }
    const results = await keepEncrypted(await writer.finish());
    return { results, reasons: tally.pieces().reasons };
  } catch (error) {
    await writer.discard();
    throw error;
  }
}

/** Removes what was written for a pass that stays open. */
export async function dropResults({ path }: ResultsSummary): Promise<void> {
  await rm(path, { force: true });
}

/** read = outcomes + open, as the ledger has them. */
export function countsOf(ctx: AfterContext, to: PushTo, push: Push): Counts {
  const outcomes = countsOfPush(ctx.ledger, push.id);
  const open = openOfPush(ctx.ledger, ctx.links, to.id, push);
  const read = Object.values(outcomes).reduce((sum, n) => sum + n, 0) + open;
  return { ...emptyCounts(), ...outcomes, read, open };
}

const quoted = (cell: string): string => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
