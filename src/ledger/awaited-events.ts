import type { DestinationIdentity } from '../model.ts';
import { LINES } from './deliveries.ts';
import type { Ledger } from './open.ts';
import { WATCHED } from './uploads.ts';

/** Event names of uploads at a destination whose rows an answer is still looked for. All rows of one upload have the same one. */
export function awaitedEventNames(
  { db }: Pick<Ledger, 'db'>,
  { provider, account, container }: DestinationIdentity,
): string[] {
  return db
    .prepare<[string, string, string], { name: string }>(
      `SELECT DISTINCT e.name FROM uploads u JOIN event_names e ON e.id = (
         SELECT d.event_name_id FROM deliveries d
         WHERE d.id BETWEEN u.processing_id * ${LINES} AND u.processing_id * ${LINES} + ${LINES - 1} AND d.upload_id = u.id LIMIT 1)
       WHERE u.state IN (${WATCHED.map((state) => `'${state}'`).join(',')}) 
         AND e.destination_id = (SELECT id FROM destinations WHERE provider = ? AND account = ? AND container = ?) ORDER BY e.name`,
    )
    .all(provider, account, container)
    .map(({ name }) => name);
}
