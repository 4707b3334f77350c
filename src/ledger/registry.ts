import type { DestinationIdentity } from '../model.ts';
import type { Ledger } from './open.ts';

/** The number of a destination in this ledger; made on first sight. */
export function destinationId(ledger: Ledger, identity: DestinationIdentity): number {
  const { db } = ledger;
  db.prepare('INSERT INTO destinations (provider, account, container) VALUES (?, ?, ?) ON CONFLICT DO NOTHING').run(
    identity.provider,
    identity.account,
    identity.container,
  );
  const id = findDestination(ledger, identity);
  if (id === undefined) throw new Error('the destination just added is not in the ledger');
  return id;
}

/** The same without making it; `undefined` where nothing has run for it yet. */
export function findDestination(ledger: Pick<Ledger, 'db'>, identity: DestinationIdentity): number | undefined {
  return ledger.db
    .prepare<[string, string, string], { id: number }>(
      'SELECT id FROM destinations WHERE provider = ? AND account = ? AND container = ?',
    )
    .get(identity.provider, identity.account, identity.container)?.id;
}

/** The number of an event name of a destination: the space in which a key is unique. */
export function eventNameId(ledger: Ledger, destination: number, name: string): number {
  const { db } = ledger;
  db.prepare('INSERT INTO event_names (destination_id, name) VALUES (?, ?) ON CONFLICT DO NOTHING').run(
    destination,
    name,
  );
  const row = db
    .prepare<[number, string], { id: number }>('SELECT id FROM event_names WHERE destination_id = ? AND name = ?')
    .get(destination, name);
  if (!row) throw new Error('the event name just added is not in the ledger');
  return row.id;
}

export interface StoredDefinition {
  id: number;
  job: string;
  /** Canonical JSON without secrets. */
  body: string;
}

/** Stores a job definition once; equal definitions share a number. */
export function storeDefinition(
  ledger: Ledger,
  definition: { job: string; sha256: string; body: string },
  now: number,
): number {
  const { db } = ledger;
  db.prepare('INSERT INTO definitions (sha256, job, body, created_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING').run(
    definition.sha256,
    definition.job,
    definition.body,
    now,
  );
  const row = db
    .prepare<[string], { id: number }>('SELECT id FROM definitions WHERE sha256 = ?')
    .get(definition.sha256);
  if (!row) throw new Error('the definition just stored is not in the ledger');
  return row.id;
}

export function getDefinition(ledger: Ledger, id: number): StoredDefinition {
  const row = ledger.db
    .prepare<[number], StoredDefinition>('SELECT id, job, body FROM definitions WHERE id = ?')
    .get(id);
  if (!row) throw new Error(`the ledger knows no definition ${id}`);
  return row;
}

/** The number of an event name, where it was ever used; writes nothing. */
export function findEventName(
  ledger: Pick<Ledger, 'db'>,
  identity: DestinationIdentity,
  name: string,
): number | undefined {
  return ledger.db
    .prepare<[string, string, string, string], { id: number }>(
      `SELECT e.id FROM event_names e JOIN destinations d ON d.id = e.destination_id
       WHERE d.provider = ? AND d.account = ? AND d.container = ? AND e.name = ?`,
    )
    .get(identity.provider, identity.account, identity.container, name)?.id;
}
