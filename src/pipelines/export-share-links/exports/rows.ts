import type { CompiledExport } from '../../../exports/format.ts';
import type { ExportRow } from '../../../exports/row.ts';
import type { KnownLink } from '../../../ledger/links.ts';
import { linksInOrder, linksWithoutPartner } from '../../../ledger/list-links.ts';
import type { AfterContext } from '../after-context.ts';
import type { CustomerColumns } from '../customer-columns.ts';

/** A link as an export writes it. */
export function rowOf(link: KnownLink, columns: CustomerColumns): ExportRow {
  const { email, partnerUserId, code } = link;
  return {
    ...(email === null ? {} : { email }),
    ...(partnerUserId === null ? {} : { partnerUserId }),
    link: link.link,
    code,
    fields: columns.of(link),
  };
}

/**
 * Links that changed after `seq`, in the order that the format needs. Those that nothing identifies in it come last: they are left
 * out, and counted. What changes meanwhile is in it as it is then, and counts as changed for the next export as well.
 */
export function* exportRows(
  { ledger, links, columns }: Pick<AfterContext, 'ledger' | 'links' | 'columns'>,
  format: Pick<CompiledExport, 'identify'>,
  seq: number,
): Generator<ExportRow> {
  const byId = format.identify !== undefined && orderOf(format.identify) === 'partnerUserId';
  for (const link of linksInOrder(ledger, links, byId ? 'partnerUserId' : 'person', seq)) yield rowOf(link, columns);
  if (byId) for (const link of linksWithoutPartner(ledger, links, seq)) yield rowOf(link, columns);
}

/** What a format identifies people with, by what it says of somebody. */
function orderOf(identify: NonNullable<CompiledExport['identify']>): 'person' | 'partnerUserId' {
  const of = identify({ email: 'e', partnerUserId: 'p', link: '', code: 'c', fields: {} });
  return of === 'p' ? 'partnerUserId' : 'person';
}
