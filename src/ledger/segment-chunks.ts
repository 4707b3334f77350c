import { fenceOf, mustHold } from './fence.ts';
import type { Ledger } from './open.ts';
import { memberWriter, type PlacedMember } from './segment-members.ts';

/** Changes that may be on the wire. */
export interface Chunk {
  id: number;
  add: string[];
  remove: string[];
}

/** What came of a chunk. `rest`: what has no answer yet, and is to be sent again. */
export interface ChunkEnd {
  added: readonly PlacedMember[];
  removed: readonly PlacedMember[];
  refused: readonly { keyHash: string; code: string; reason: string }[];
  rest?: Pick<Chunk, 'add' | 'remove'>;
}

export interface ChunkBook {
  /** What earlier tries left without an answer, oldest first. */
  open(): Chunk[];
  /**
   * In one transaction: the answers to chunks, the members that follow from them, and the counts; and the claims of what goes next.
   * Nothing leaves that a later start would not find.
   */
  commit(
    sync: number,
    ends: readonly { chunk: number; end: ChunkEnd }[],
    claims: readonly { add: readonly string[]; remove: readonly string[] }[],
    now: number,
  ): Chunk[];
}

/** Opens the ledger's book of the changes of one segment; its statements are prepared once. */
export function openChunks(ledger: Ledger, segment: number): ChunkBook {
  const { db } = ledger;
  const fence = fenceOf(ledger);
  const members = memberWriter(ledger, segment);
  const all = db.prepare<[number], { id: number; body: string }>(
    'SELECT id, body FROM segment_chunks WHERE segment_id = ? ORDER BY id',
  );
  const insert = db.prepare('INSERT INTO segment_chunks (segment_id, sync_id, body, claimed_at) VALUES (?, ?, ?, ?)');
  const syncIdOf = db.prepare<[number], { sync: number }>('SELECT sync_id AS sync FROM segment_chunks WHERE id = ?');
  const remove = db.prepare('DELETE FROM segment_chunks WHERE id = ?');
  const keep = db.prepare('UPDATE segment_chunks SET body = ? WHERE id = ?');
  const refuse = db.prepare(
    `INSERT INTO segment_refusals SELECT ?, unhex(value ->> 0), value ->> 1, value ->> 2 FROM json_each(?) WHERE 1
     ON CONFLICT (sync_id, key_hash) DO UPDATE SET code = excluded.code, reason = excluded.reason`,
  );
  const count = db.prepare('UPDATE segment_syncs SET added = added + ?, removed = removed + ? WHERE id = ?');

  const settle = (chunk: number, { added, removed, refused, rest }: ChunkEnd): void => {
    const of = syncIdOf.get(chunk);
    if (!of) return;
    count.run(members.insert(added), members.remove(removed), of.sync);
    if (refused.length > 0)
      refuse.run(of.sync, JSON.stringify(refused.map(({ keyHash, code, reason }) => [keyHash, code, reason])));
    if (rest) keep.run(JSON.stringify(rest), chunk);
    else remove.run(chunk);
  };

  const claim = (sync: number, body: { add: readonly string[]; remove: readonly string[] }, now: number): Chunk => {
    const [add, gone] = [[...body.add], [...body.remove]];
    const { lastInsertRowid } = insert.run(segment, sync, JSON.stringify({ add, remove: gone }), now);
    return { id: Number(lastInsertRowid), add, remove: gone };
  };

  const commit = db.transaction((...[sync, ends, claims, now]: Parameters<ChunkBook['commit']>): Chunk[] => {
    fence();
    for (const { chunk, end } of ends) settle(chunk, end);
    return claims.map((each) => claim(sync, each, now));
  });

  return {
    open: () =>
      all.all(segment).map(({ id, body }) => {
        const { add, remove: gone }: Pick<Chunk, 'add' | 'remove'> = JSON.parse(body);
        return { id, add, remove: gone };
      }),
    commit: (sync, ends, claims, now) =>
      ends.length + claims.length === 0 ? [] : commit.immediate(sync, ends, claims, now),
  };
}

/** A sync that goes on asks again for whom the target refused. */
export function forgetRefusals(ledger: Ledger, sync: number): void {
  mustHold(ledger);
  ledger.db.prepare('DELETE FROM segment_refusals WHERE sync_id = ?').run(sync);
}

/** Refusals of a sync among these keys, by the hash in hex. */
export function refusalsAmong(
  { db }: Pick<Ledger, 'db'>,
  sync: number,
  keyHashes: readonly Buffer[],
): Map<string, { code: string; reason: string }> {
  const rows = db
    .prepare<[number, string], { hash: string; code: string; reason: string }>(
      `SELECT lower(hex(key_hash)) AS hash, code, reason FROM segment_refusals
       WHERE sync_id = ? AND key_hash IN (SELECT unhex(value) FROM json_each(?))`,
    )
    .all(sync, JSON.stringify(keyHashes.map((hash) => hash.toString('hex'))));
  return new Map(rows.map(({ hash, code, reason }) => [hash, { code, reason }]));
}
