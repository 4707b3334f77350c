import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, expect, it } from 'vitest';
import { createLog, realIo } from '../../src/io.ts';
import { migrationNames, migrationSource } from '../../src/ledger/migrations.ts';
import { openLedger } from '../../src/ledger/open.ts';

const folder = mkdtempSync(join(tmpdir(), 'referry-upgrade-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const io = realIo(createLog('silent'));
const names = await migrationNames();

/** Tables, indexes and triggers, without the spaces in which statements differ. */
function schemaOf(db: Database.Database): string[] {
  return db
    .prepare<[], { name: string; sql: string }>(
      "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'knex_%' AND name NOT LIKE 'sqlite_%' ORDER BY name",
    )
    .all()
    .map(({ name, sql }) => `${name}: ${sql.replace(/\s+/g, ' ')}`);
}

/** A ledger as the version with so many migrations left it, in the middle of sending two rows. */
async function ledgerOf(path: string, migrations: number): Promise<void> {
  const { default: knex } = await import('knex');
  const writer = knex({ client: 'better-sqlite3', connection: { filename: path }, useNullAsDefault: true });
  try {
    for (let done = 0; done < migrations; done++) await writer.migrate.up({ migrationSource });
  } finally {
    await writer.destroy();
  }
  const db = new Database(path);
  db.pragma('journal_mode = WAL');
  db.exec(`
    INSERT INTO ledger (id, ledger_id, hash_key, created_at) VALUES (1, 'aabbccdd', x'00', 1);
    INSERT INTO executor (id, epoch, kind, host, pid, started_at, heartbeat_at) VALUES (1, 7, 'command', 'h', 1, 1, 1);
    INSERT INTO destinations (id, provider, account, container) VALUES (1, 'extole', 'acme', 'production');
    INSERT INTO event_names (id, destination_id, name) VALUES (1, 1, 'account_opened');
    INSERT INTO definitions (id, sha256, job, body, created_at) VALUES (1, 'd', 'feed', '{}', 1);
    INSERT INTO runs (id, job, cause, state, started_at) VALUES (1, 'feed', 'command', 'running', 1);
    INSERT INTO files (id, job, sha256, bytes, name, first_seen) VALUES (1, 'feed', 's', 9, 'a.csv', 1);
    INSERT INTO processings (id, job, run_id, definition_id, destination_id, file_id, name, inbox_path, taken_path, size, mtime, state, opened_at, sending)
      VALUES (1, 'feed', 1, 1, 1, 1, 'a.csv', 'inbox/a.csv', 'processing/a.csv', 9, 1, 'sealed', 1, 1);
    INSERT INTO deliveries (id, event_name_id, key, key_hash, content_hash, state, owns, attempts, claimed_at, proof, event_id)
      VALUES (${2 ** 30 + 2}, 1, 'A-1', x'01', x'01', 'delivered', 1, 1, 1, 'event_id', 'e-1'),
             (${2 ** 30 + 3}, 1, 'A-2', x'02', x'02', 'claimed', 1, 1, 1, NULL, NULL);
  `);
  db.close();
}

const fresh = await openLedger(join(folder, 'fresh.sqlite'), 'command', io);
const wanted = schemaOf(fresh.db);
await fresh.close();
rmSync(join(folder, 'ledger.id'));

it.each(names.map((name, i) => [name, i + 1] as const))(
  'C20: a ledger that stood at %s is brought to this version when it is opened, with its rows; an open attempt is unknown',
  async (name, migrations) => {
    const path = join(folder, name, 'ledger.sqlite');
    mkdirSync(join(folder, name), { mode: 0o700 });
    writeFileSync(path, '', { mode: 0o600 });
    await ledgerOf(path, migrations);
    const ledger = await openLedger(path, 'command', io);
    expect(schemaOf(ledger.db)).toEqual(wanted);
    expect([ledger.id, ledger.epoch]).toEqual(['aabbccdd', 8]);
    expect(ledger.db.prepare('SELECT key, state FROM deliveries ORDER BY id').all()).toEqual([
      { key: 'A-1', state: 'delivered' },
      { key: 'A-2', state: 'unknown' },
    ]);
    expect(ledger.db.pragma('foreign_key_check')).toEqual([]);
    await ledger.close();
  },
);
