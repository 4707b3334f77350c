import type { Ledger } from './open.ts';

/** Places in segments that `holds_person` finds, a function of the database that the caller has made. */
export function countMembersWho({ db }: Pick<Ledger, 'db'>): number {
  return (
    db.prepare<[], { n: number }>('SELECT count(*) AS n FROM segment_members WHERE holds_person(member) = 1').get()
      ?.n ?? 0
  );
}

/** Takes these members out of the ledger. The targets keep them until they are removed there: the ledger knows no more that they are in. */
export function removeMembersWho({ db }: Pick<Ledger, 'db'>): void {
  db.transaction(() => {
    db.prepare('DELETE FROM segment_members WHERE holds_person(member) = 1').run();
    db.prepare(
      'UPDATE segments SET members = (SELECT count(*) FROM segment_members m WHERE m.segment_id = segments.id)',
    ).run();
  }).immediate();
}
