import type { DestinationIdentity } from '../model.ts';
import { LINES } from './deliveries.ts';
import type { Ledger } from './open.ts';
import { rangeOf, WATCHED } from './uploads.ts';

/**
 * Event names of uploads at a destination whose rows an answer is still looked for, one of each: all rows of a file of people have the same,
 * that of their label. Looks at one row of each file.
 */
export function awaitedEventNames(
  { db }: Pick<Ledger, 'db'>,
  { provider, account, container }: DestinationIdentity,
): string[] {
  return db
    .prepare<[string, string, string], { name: string }>(
      `SELECT DISTINCT e.name FROM uploads u JOIN event_names e ON e.id = (
         SELECT d.event_name_id FROM deliveries d
         WHERE d.id BETWEEN u.processing_id * ${LINES} AND u.processing_id * ${LINES} + ${LINES - 1} LIMIT 1)
       WHERE u.state IN (${WATCHED.map((state) => `'${state}'`).join(',')})
         AND e.destination_id = (SELECT id FROM destinations WHERE provider = ? AND account = ? AND container = ?) ORDER BY e.name`,
    )
    .all(provider, account, container)
    .map(({ name }) => name);
}

/** The event name of one row of a processing: in a file of people, that of all. `undefined`: none was claimed. */
export function eventNameOf({ db }: Pick<Ledger, 'db'>, processingId: number): string | undefined {
  return db
    .prepare<[number, number], { name: string }>(
      `SELECT e.name FROM deliveries d JOIN event_names e ON e.id = d.event_name_id
       WHERE d.id BETWEEN ? AND ? LIMIT 1`,
    )
    .get(...rangeOf(processingId))?.name;
}
