import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import knex, { type Knex } from 'knex';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { migrationSource } from '../../src/ledger/migrations.ts';
import { type Postgres, postgresMissing, startPostgres } from './support/e2e-postgres.ts';

const missing = await postgresMissing();
const LINE = 2 ** 30;

const databases = {
  SQLite: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'referry-ledger-'));
    const db = knex({
      client: 'better-sqlite3',
      connection: { filename: join(folder, 'ledger.sqlite') },
      useNullAsDefault: true,
    });
    await db.raw('PRAGMA foreign_keys = ON');
    return { db, close: async () => rmSync(folder, { recursive: true }) };
  },
  PostgreSQL: async () => {
    const server: Postgres = await startPostgres();
    return { db: knex({ client: 'pg', connection: server.connection }), close: () => server.stop() };
  },
};

for (const [name, open] of Object.entries(databases)) {
  const skip = name === 'PostgreSQL' ? missing : undefined;
  describe.skipIf(skip !== undefined)(`the ledger on ${name}${skip ? `, skipped: ${skip}` : ''}`, () => {
    let opened: Awaited<ReturnType<typeof open>>;
    let db: Knex;

    beforeAll(async () => {
      opened = await open();
      db = opened.db;
      await db.migrate.latest({ migrationSource });
    });
    beforeEach(async () => {
      for (const table of [
        'attempts',
        'deliveries',
        'processings',
        'files',
        'runs',
        'event_names',
        'destinations',
        'definitions',
      ])
        await db(table).del();
      await db('destinations').insert({ id: 1, provider: 'extole', account: 'acme', container: 'production' });
      await db('event_names').insert({ id: 1, destination_id: 1, name: 'opened' });
      await db('event_names').insert({ id: 2, destination_id: 1, name: 'funded' });
      await db('definitions').insert({ id: 1, sha256: 'd', job: 'j', body: '{}', created_at: 1 });
      await db('runs').insert({ id: 1, job: 'j', cause: 'command', state: 'running', started_at: 1 });
      await db('files').insert({ id: 1, job: 'j', sha256: 's', bytes: 1, name: 'a.csv', first_seen: 1 });
      await db('processings').insert(processing(1));
    });
    afterAll(async () => {
      await db.destroy();
      await opened.close();
    });

    it('is made by the same migrations, which do nothing the second time', async () => {
      expect(await db.migrate.latest({ migrationSource })).toEqual([expect.any(Number), []]);
      expect(
        await db('deliveries')
          .insert(delivery(2, 'A'))
          .then(() => db('deliveries').first()),
      ).toMatchObject({
        processing_id: 1,
        line: 2,
      });
    });

    it('a key has one owner per event name, in whatever states two rows meet', async () => {
      const owning = ['claimed', 'waiting', 'unknown', 'held', 'delivered'];
      for (const first of owning) {
        for (const second of owning) {
          await db('deliveries').del();
          await db('deliveries').insert(delivery(2, 'A', first));
          await expect(db('deliveries').insert(delivery(3, 'A', second)), `${first}, ${second}`).rejects.toThrow(
            /one_owner|UNIQUE/i,
          );
        }
      }
      await db('deliveries').insert({ ...delivery(4, 'A'), event_name_id: 2 });
      expect(await db('deliveries')).toHaveLength(2);
    });

    it('rows that own nothing leave the key free, and take it only while it is free', async () => {
      for (const [i, state] of ['rejected', 'failed', 'conflict', 'duplicate'].entries())
        await db('deliveries').insert(delivery(10 + i, 'A', state));
      await db('deliveries').insert(delivery(20, 'A', 'delivered'));
      const failed = db('deliveries').where({ id: LINE + 11 });
      await expect(failed.clone().update({ state: 'claimed', owns: 1, unfinished: null })).rejects.toThrow(
        /one_owner|UNIQUE/i,
      );
      // Nor can the column that the index looks at be talked out of what the state says.
      await expect(failed.clone().update({ owns: 1 })).rejects.toThrow(/owner_by_state/);
      await expect(db('deliveries').insert({ ...delivery(21, 'B'), owns: 0 })).rejects.toThrow(/owner_by_state/);
      await expect(db('deliveries').insert({ ...delivery(21, 'B', 'unknown'), unfinished: null })).rejects.toThrow(
        /unfinished_by_state/,
      );
    });

    it('delivered is final, and needs a proof', async () => {
      await db('deliveries').insert(delivery(2, 'A', 'delivered'));
      const changes = [
        { state: 'held' },
        { state: 'failed', owns: 0 },
        { event_id: 'other' },
        { event_id: '', attempts: 9 },
        { attempts: 9 },
      ];
      for (const change of changes) await expect(db('deliveries').update(change)).rejects.toThrow('delivered is final');
      // What may stand for a person can be forgotten.
      expect(await db('deliveries').update({ event_id: '' })).toBe(1);
      await expect(db('deliveries').insert({ ...delivery(3, 'B', 'delivered'), event_id: null })).rejects.toThrow(
        /delivered_has_proof/,
      );
      await expect(db('deliveries').insert({ ...delivery(3, 'B', 'delivered'), proof: null })).rejects.toThrow(
        /delivered_has_proof/,
      );
      await db('deliveries').insert(delivery(4, 'C', 'claimed'));
      await expect(db('deliveries').where({ key: 'C' }).update({ state: 'delivered' })).rejects.toThrow(
        /delivered_has_proof/,
      );
    });

    it('a line has one delivery, an attempt number occurs once, and an attempt stays as it was written', async () => {
      await db('deliveries').insert(delivery(2, 'A'));
      await expect(db('deliveries').insert(delivery(2, 'B'))).rejects.toThrow(/UNIQUE|deliveries_pkey/);
      const attempt = {
        delivery_id: LINE + 2,
        number: 1,
        result: 'info',
        code: 'X',
        reason: '',
        claimed_at: 1,
        answered_at: 2,
      };
      await db('attempts').insert(attempt);
      await expect(db('attempts').insert(attempt)).rejects.toThrow(/unique/i);
      await db('attempts').insert({ ...attempt, number: 2 });
      await expect(db('attempts').update({ result: 'fail' })).rejects.toThrow('attempts are kept');
      await expect(db('attempts').insert({ ...attempt, number: 3, result: 'ok' })).rejects.toThrow(/attempt_result/);
      await expect(db('attempts').insert({ ...attempt, delivery_id: 99 })).rejects.toThrow(/foreign key/i);
    });

    it('no state exists but the known ones, nothing is staged without its file or closed without its account', async () => {
      await expect(db('deliveries').insert({ ...delivery(2, 'A'), state: 'sent', owns: 0 })).rejects.toThrow(
        /delivery_state/,
      );
      await expect(db('processings').insert({ ...processing(2), state: 'done' })).rejects.toThrow(/processing_state/);
      await expect(db('processings').insert({ ...processing(2), file_id: null })).rejects.toThrow(/staged_has_file/);
      await expect(db('processings').update({ state: 'closed' })).rejects.toThrow(/closed_has_account/);
      await expect(
        db('files').insert({ id: 2, job: 'j', sha256: 's', bytes: 1, name: 'b.csv', first_seen: 1 }),
      ).rejects.toThrow(/unique/i);
      await expect(db('ledger').insert([ledgerRow(1), ledgerRow(2)])).rejects.toThrow(/one_ledger/);
      await expect(db('executor').insert({ id: 2, epoch: 1 })).rejects.toThrow(/one_executor/);
    });
  });
}

const ledgerRow = (id: number) => ({ id, ledger_id: 'x', hash_key: Buffer.alloc(1), created_at: 1 });

const processing = (id: number) => ({
  id,
  job: 'j',
  run_id: 1,
  definition_id: 1,
  destination_id: 1,
  file_id: 1,
  name: 'a.csv',
  inbox_path: 'inbox/a.csv',
  taken_path: 'processing/a.csv',
  size: 1,
  mtime: 1,
  state: 'staged',
  opened_at: 1,
});

function delivery(line: number, key: string, state = 'claimed') {
  const owns = ['claimed', 'waiting', 'unknown', 'held', 'delivered'].includes(state) ? 1 : 0;
  const unfinished = ['waiting', 'unknown', 'failed', 'held'].includes(state) ? 1 : null;
  return {
    id: LINE + line,
    event_name_id: 1,
    key_hash: Buffer.from(key),
    key,
    content_hash: Buffer.from('c'),
    state,
    owns,
    unfinished,
    attempts: 1,
    claimed_at: 1,
    proof: state === 'delivered' ? 'event_id' : null,
    event_id: state === 'delivered' ? '746531' : null,
  };
}
