import { fenceOf, mustHold } from './fence.ts';
import type { Ledger } from './open.ts';
import { doubtWriter } from './segment-doubts.ts';
import { memberWriter, type PlacedMember } from './segment-members.ts';

/** Members to be added and removed, each once. */
export interface Part {
  add: string[];
  remove: string[];
}

/** For how long a chunk was tried in vain, in runs that tried it. Milliseconds; `at`: the last time, since 1970. */
export interface Failing {
  ms: number;
  at: number;
}

/** Changes that have no answer. */
export interface Unanswered extends Part {
  /** Some may have been made: they had an answer that says nothing, or none, at any time. */
  doubt: boolean;
  failing?: Failing;
}

/** Changes that may be on the wire. */
export interface Chunk extends Unanswered {
  id: number;
}

/** What came of a chunk. `rest`: what has no answer yet, and is to be sent again. `doubted`: whose change was given up, though it may have been made. */
export interface ChunkEnd {
  added: readonly PlacedMember[];
  removed: readonly PlacedMember[];
  refused: readonly { member: string; keyHash: string; code: string; reason: string }[];
  doubted?: readonly PlacedMember[];
  rest?: Unanswered;
}

/** As the ledger has it. Without `sure`, the chunk may have left: a process that dies says no more of it. */
interface Body extends Part {
  sure?: true;
  failing?: Failing;
}

export interface ChunkBook {
  /** What earlier tries left without an answer, oldest first; claimed once more. */
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
  const doubts = doubtWriter(ledger, segment);
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

  const settle = (chunk: number, { added, removed, refused, doubted = [], rest }: ChunkEnd): void => {
    const of = syncIdOf.get(chunk);
    if (!of) return;
    count.run(members.insert(added), members.remove(removed), of.sync);
    doubts.clear(added);
    doubts.clear(removed);
    doubts.note(doubted);
    if (refused.length > 0)
      refuse.run(of.sync, JSON.stringify(refused.map(({ keyHash, code, reason }) => [keyHash, code, reason])));
    if (rest) keep.run(bodyOf(rest), chunk);
    else remove.run(chunk);
  };

  const claim = (sync: number, body: { add: readonly string[]; remove: readonly string[] }, now: number): Chunk => {
    const [add, gone] = [[...body.add], [...body.remove]];
    const { lastInsertRowid } = insert.run(segment, sync, JSON.stringify({ add, remove: gone }), now);
    return { id: Number(lastInsertRowid), add, remove: gone, doubt: false };
  };

  const commit = db.transaction((...[sync, ends, claims, now]: Parameters<ChunkBook['commit']>): Chunk[] => {
    fence();
    for (const { chunk, end } of ends) settle(chunk, end);
    return claims.map((each) => claim(sync, each, now));
  });

  const reclaim = db.transaction((): Chunk[] => {
    fence();
    return all.all(segment).map(({ id, body }) => {
      const { sure, ...rest }: Body = JSON.parse(body);
      if (sure) keep.run(JSON.stringify(rest), id);
      return { ...rest, id, doubt: !sure };
    });
  });

  return {
    open: () => reclaim.immediate(),
    commit: (sync, ends, claims, now) =>
      ends.length + claims.length === 0 ? [] : commit.immediate(sync, ends, claims, now),
  };
}

function bodyOf({ doubt, ...rest }: Unanswered): string {
  const body: Body = doubt ? rest : { ...rest, sure: true };
  return JSON.stringify(body);
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
