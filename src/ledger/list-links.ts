import { hasTable } from './has-table.ts';
import { type KnownLink, LINK_COLUMNS, type LinkPlace } from './links.ts';
import type { Ledger } from './open.ts';

/** What a list of links can be in the order of. Links without it are not in the list. */
export type LinkOrder = 'person' | 'email' | 'partnerUserId';

const COLUMN = { person: 'person', email: 'person', partnerUserId: 'partner_user_id' } as const;

/**
 * Links of a place in the order of their identifiers (of their bytes), page by page, so that others may write meanwhile. `changedAfter`:
 * those with a higher seq only.
 */
export function* linksInOrder(
  { db }: Pick<Ledger, 'db'>,
  { destinationId, label }: LinkPlace,
  order: LinkOrder = 'person',
  changedAfter = 0,
): Generator<KnownLink> {
  const column = COLUMN[order];
  const having = order === 'email' ? 'AND email IS NOT NULL' : '';
  const page = db.prepare<[number, string, string, number], KnownLink>(
    `SELECT ${LINK_COLUMNS} FROM links WHERE destination_id = ? AND label = ? AND (${column}, id) > (?, ?) ${having}
       AND seq > ${Math.trunc(changedAfter)} ORDER BY ${column}, id LIMIT ${PAGE}`,
  );
  let last = { at: '', id: 0 };
  for (;;) {
    const rows = page.all(destinationId, label.toLowerCase(), last.at, last.id);
    yield* rows;
    const end = rows.at(-1);
    if (!end || rows.length < PAGE) return;
    last = { at: order === 'partnerUserId' ? (end.partnerUserId ?? '') : end.person, id: end.id };
  }
}

/** Links of a place without an id of the company's own, of which no list in its order can have them. */
export function* linksWithoutPartner(
  { db }: Pick<Ledger, 'db'>,
  { destinationId, label }: LinkPlace,
  changedAfter = 0,
): Generator<KnownLink> {
  // The sign keeps it in the order of this index: a page would be sorted out of all of them otherwise.
  const page = db.prepare<[number, string, number, number], KnownLink>(
    `SELECT ${LINK_COLUMNS} FROM links WHERE destination_id = ? AND label = ? AND partner_user_id IS NULL AND id > ? AND +seq > ?
       ORDER BY id LIMIT ${PAGE}`,
  );
  for (let last = 0; ; ) {
    const rows = page.all(destinationId, label.toLowerCase(), last, changedAfter);
    yield* rows;
    const end = rows.at(-1);
    if (!end || rows.length < PAGE) return;
    last = end.id;
  }
}

const PAGE = 1000;

/** Where the links of a place stand: the highest seq, and how many they are. */
export function linksStand(
  { db }: Pick<Ledger, 'db'>,
  { destinationId, label }: LinkPlace,
): { seq: number; count: number } {
  const row = db
    .prepare<[number, string], { seq: number | null; count: number }>(
      'SELECT max(seq) AS seq, count(*) AS count FROM links WHERE destination_id = ? AND label = ?',
    )
    .get(destinationId, label.toLowerCase());
  return { seq: row?.seq ?? 0, count: row?.count ?? 0 };
}

/** What the people with one of the company's own ids are known by, wherever they have a link; none where the ledger is older than links. */
export function peopleWithId({ db }: Pick<Ledger, 'db'>, partnerUserId: string): string[] {
  if (!hasTable({ db }, 'links')) return [];
  return db
    .prepare<[string], { person: string }>(
      'SELECT DISTINCT person FROM links WHERE partner_user_id = ? ORDER BY person',
    )
    .all(partnerUserId)
    .map(({ person }) => person);
}
