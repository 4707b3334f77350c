import { fenceOf } from './fence.ts';
import type { Ledger } from './open.ts';

/** How we know of a link. */
export type CameBy = 'created' | 'adopted' | 'webhook' | 'report';

/** Whose links: those of one label at one destination. Capital letters of a label do not matter. */
export interface LinkPlace {
  destinationId: number;
  label: string;
}

/** A link as somebody tells it. */
export interface TellLink {
  /** Any case; spaces around it do not count. */
  email?: string | undefined;
  partnerUserId?: string | undefined;
  /** Extole's id of the person. */
  personId?: string | undefined;
  /** With https://. */
  link: string;
  /** Empty where it is not known. */
  code: string;
  key?: string | undefined;
  cameBy: CameBy;
  /** When the link was so, in milliseconds since 1970. Of two tellings the later one stands, in whatever order they come. */
  asOf: number;
}

/** A link in the ledger. */
export interface KnownLink {
  id: number;
  /** The lower-cased e-mail, else the company's own id: unique for a place. */
  person: string;
  email: string | null;
  partnerUserId: string | null;
  /** Empty where it is not known, as `code` and `key`. */
  personId: string;
  link: string;
  code: string;
  key: string;
  cameBy: CameBy;
  seq: number;
  /** Milliseconds since 1970. */
  firstAt: number;
  seenAt: number;
}

/** `unidentified`: it has neither e-mail nor id, and no person in the ledger has its Extole id; it is not kept. `older`: a later one stands. */
export type LinkEnd = 'new' | 'changed' | 'same' | 'older' | 'unidentified';

export interface LinkBook {
  /**
   * Records links, in one transaction, or as part of the caller's. ends[i] belongs to links[i]. Repeating it is harmless. A person who
   * was known by an id alone and is now told with an e-mail is the same row; the e-mail becomes its key.
   */
  record(links: readonly TellLink[], now: number): LinkEnd[];
  /** By e-mail, else by the company's own id. */
  find(who: { email?: string | undefined; partnerUserId?: string | undefined }): KnownLink | undefined;
}

/** What a person is known by: `undefined` where there is neither. */
export function personOf(who: { email?: string | undefined; partnerUserId?: string | undefined }): string | undefined {
  const email = who.email?.trim().toLowerCase();
  if (email) return email;
  return who.partnerUserId?.trim() || undefined;
}

/** SQL: the columns of `KnownLink`. */
export const LINK_COLUMNS = `id, person, email, partner_user_id AS partnerUserId, person_id AS personId, link, code, key, came_by AS cameBy,
  seq, first_at AS firstAt, seen_at AS seenAt, as_of AS asOf`;

type Row = KnownLink & { asOf: number };

/** Opens the ledger's book of the links of one place; its statements are prepared once. */
export function openLinkBook(ledger: Ledger, place: LinkPlace): LinkBook {
  const { db } = ledger;
  const { destinationId } = place;
  const label = place.label.toLowerCase();
  const mustHold = fenceOf(ledger);
  const among = `SELECT ${LINK_COLUMNS} FROM links WHERE destination_id = ? AND label = ?`;
  const byPerson = db.prepare<[number, string, string], Row>(`${among} AND person = ?`);
  const byPartner = db.prepare<[number, string, string], Row>(`${among} AND partner_user_id = ? ORDER BY id`);
  const byExtole = db.prepare<[number, string, string], Row>(`${among} AND person_id = ? ORDER BY id`);
  const count = db.prepare<[], { seq: number }>('UPDATE link_numbers SET seq = seq + 1 WHERE id = 1 RETURNING seq');
  const insert = db.prepare(
    `INSERT INTO links (destination_id, label, person, email, partner_user_id, person_id, link, code, key, came_by, seq, as_of, first_at, seen_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const update = db.prepare(
    `UPDATE links SET person = ?, email = ?, partner_user_id = ?, person_id = ?, link = ?, code = ?, key = ?, came_by = ?, seq = ?,
       as_of = ?, seen_at = ? WHERE id = ?`,
  );
  const remove = db.prepare('DELETE FROM links WHERE id = ?');

  const nextSeq = (): number => {
    const row = count.get();
    if (!row) throw new Error('the ledger has lost the number of its links');
    return row.seq;
  };

  const withPartner = (id: string | undefined): Row[] => (id ? byPartner.all(destinationId, label, id) : []);
  const withExtole = (id: string | undefined): Row[] => (id ? byExtole.all(destinationId, label, id) : []);

  /** Rows that are this person: the first one stays. What is known under an e-mail is nobody's who has another one. */
  const rowsOf = (email: string | null, partnerUserId: string | null, personId: string): Row[] => {
    const partners = withPartner(partnerUserId ?? undefined);
    if (email === null) {
      const own = partners.filter((row) => personId === '' || row.personId === '' || row.personId === personId);
      const [known] = own.length > 0 ? own : partners;
      if (known) return [known];
      // Some companies use the address as their own id.
      const same = partnerUserId === null ? undefined : byPerson.get(destinationId, label, partnerUserId);
      if (same || partnerUserId !== null) return same ? [same] : [];
      return withExtole(personId).slice(0, 1);
    }
    const own = byPerson.get(destinationId, label, email);
    const nameless = [...partners, ...withExtole(personId)].filter(
      (row) =>
        row.email === null && row.id !== own?.id && (partnerUserId === null || row.partnerUserId === partnerUserId),
    );
    const [first] = nameless;
    return [...(own ? [own] : []), ...(first ? [first] : [])];
  };

  const recordOne = (told: TellLink, now: number): LinkEnd => {
    const email = told.email?.trim().toLowerCase() || null;
    const partnerUserId = told.partnerUserId?.trim() || null;
    const personId = told.personId ?? '';
    const [row, double] = rowsOf(email, partnerUserId, personId);
    const { link, code, key = '', cameBy, asOf } = told;
    if (!row) {
      const person = email ?? partnerUserId;
      if (person === null) return 'unidentified';
      const ids = [destinationId, label, person, email, partnerUserId, personId];
      insert.run(...ids, link, code, key, cameBy, nextSeq(), asOf, now, now);
      return 'new';
    }
    if (double) remove.run(double.id);
    const latest = asOf >= row.asOf;
    // A telling without a code or key takes none away from the same link.
    const same = row.link === link;
    const next = latest
      ? { link, code: code || (same ? row.code : ''), key: key || (same ? row.key : ''), cameBy }
      : { link: row.link, code: row.code, key: row.key, cameBy: row.cameBy };
    const ids = {
      email: email ?? row.email,
      partnerUserId:
        (latest ? partnerUserId : null) ?? row.partnerUserId ?? partnerUserId ?? double?.partnerUserId ?? null,
    };
    const changed =
      next.link !== row.link ||
      next.code !== row.code ||
      ids.email !== row.email ||
      ids.partnerUserId !== row.partnerUserId;
    update.run(
      ids.email ?? ids.partnerUserId,
      ids.email,
      ids.partnerUserId,
      (latest ? personId : '') || row.personId || personId,
      next.link,
      next.code,
      next.key,
      // A link that is told again came as it came at first.
      same ? row.cameBy : next.cameBy,
      changed ? nextSeq() : row.seq,
      Math.max(asOf, row.asOf),
      now,
      row.id,
    );
    if (changed) return 'changed';
    return latest || same ? 'same' : 'older';
  };

  const record = db.transaction((links: readonly TellLink[], now: number) => {
    mustHold();
    return links.map((told) => recordOne(told, now));
  });

  return {
    record: (links, now) => record.immediate(links, now),
    find(who) {
      const person = personOf(who);
      if (person === undefined) return undefined;
      return byPerson.get(destinationId, label, person) ?? (who.email ? undefined : withPartner(person)[0]);
    },
  };
}

/** Places of which there are links, with their accounts. */
export function linkPlaces({ db }: Pick<Ledger, 'db'>): (LinkPlace & { account: string; container: string })[] {
  return db
    .prepare<[], LinkPlace & { account: string; container: string }>(
      `SELECT DISTINCT l.destination_id AS destinationId, l.label, d.account, d.container
       FROM links l JOIN destinations d ON d.id = l.destination_id`,
    )
    .all();
}

/** How many links of a place there are of whose people nothing was heard since an instant. */
export function countSilentLinks(
  { db }: Pick<Ledger, 'db'>,
  { destinationId, label }: LinkPlace,
  before: number,
): number {
  const row = db
    .prepare<[number, string, number], { n: number }>(
      'SELECT count(*) AS n FROM links WHERE destination_id = ? AND label = ? AND seen_at < ?',
    )
    .get(destinationId, label, before);
  return row?.n ?? 0;
}

/** Numbers of up to `most` links of a place of whose people nothing was heard since an instant. */
export function silentLinks(
  { db }: Pick<Ledger, 'db'>,
  { destinationId, label }: LinkPlace,
  before: number,
  most: number,
): number[] {
  return db
    .prepare<[number, string, number, number], { id: number }>(
      'SELECT id FROM links WHERE destination_id = ? AND label = ? AND seen_at < ? LIMIT ?',
    )
    .all(destinationId, label, before, most)
    .map(({ id }) => id);
}

/** Removes links by number: those of a person who is forgotten, or of whom nothing was heard for long. Returns how many. */
export function removeLinks({ db }: Pick<Ledger, 'db'>, ids: readonly number[]): number {
  const remove = db.prepare('DELETE FROM links WHERE id = ?');
  return db.transaction(() => ids.reduce((n, id) => n + remove.run(id).changes, 0)).immediate();
}
