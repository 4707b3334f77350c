import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { createLog, realIo } from '../src/io.ts';
import { LINES } from '../src/ledger/deliveries.ts';
import { openLedger } from '../src/ledger/open.ts';

/** Makes a ledger that has delivered that many random keys: `task-fill.ts <state folder> <keys>`. */
const [state = '', count = ''] = process.argv.slice(2);
const keys = Number(count);
const path = join(state, 'ledger.sqlite');
const ledger = await openLedger(path, 'command', realIo(createLog('error')));
const { db } = ledger;
db.pragma('synchronous = OFF');
db.exec(`
  INSERT INTO destinations VALUES (1, 'extole', 'bench', 'production');
  INSERT INTO event_names VALUES (1, 1, 'account_opened');
  INSERT INTO definitions VALUES (1, 'none', 'fill', '{}', 0);
  INSERT INTO runs (id, job, cause, state, started_at, ended_at) VALUES (1, 'fill', 'command', 'interrupted', 0, 0);
  INSERT INTO files VALUES (1, 'fill', 'none', 0, 'fill.csv', 0);
  INSERT INTO processings (id, job, run_id, definition_id, destination_id, file_id, name, inbox_path, taken_path, size, mtime, state, opened_at, account)
    VALUES (1, 'fill', 1, 1, 1, 1, 'fill.csv', '', '', 0, 0, 'closed', 0, '{}');
  DROP INDEX one_owner;
`);
const insert = db.prepare(
  `INSERT INTO deliveries (id, event_name_id, key_hash, key, content_hash, order_hash, state, owns, attempts, claimed_at, answered_at, proof, event_id, http)
   VALUES (?, 1, ?, ?, ?, ?, 'delivered', 1, 1, 1700000000000, 1700000000000, 'event_id', ?, 200)`,
);
const BATCH = 50_000;
for (let from = 0; from < keys; from += BATCH) {
  db.transaction(() => {
    for (let i = from; i < Math.min(keys, from + BATCH); i++) {
      const random = randomBytes(40);
      insert.run(
        LINES + i,
        random.subarray(0, 16),
        random.toString('hex', 28),
        random.subarray(12, 28),
        random.subarray(20, 28),
        `7${i}`.padEnd(19, '0'),
      );
    }
  })();
}
db.exec('CREATE UNIQUE INDEX one_owner ON deliveries (event_name_id, key_hash) WHERE owns = 1');
db.pragma('synchronous = FULL');
await ledger.close();
process.stdout.write(`${JSON.stringify({ keys, bytes: statSync(path).size })}\n`);
