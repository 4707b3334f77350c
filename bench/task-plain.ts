import Database from 'better-sqlite3';
import { parse } from 'csv-parse/sync';
import SftpClient from 'ssh2-sftp-client';

/** The script one would write on an afternoon: get, parse, fetch, a commit a row. `task-plain.ts <sftp port> <http port> <ledger>`. */
const [sftpPort = '', httpPort = '', path = ''] = process.argv.slice(2);
const db = new Database(path);
db.pragma('journal_mode = WAL');
db.pragma('synchronous = FULL');
db.exec('CREATE TABLE sent (key TEXT PRIMARY KEY, event_id TEXT)');
const insert = db.prepare('INSERT INTO sent VALUES (?, ?)');
const started = performance.now();
const plain = new SftpClient();
await plain.connect({ host: '127.0.0.1', port: Number(sftpPort), username: 'bench', password: 'bench' });
const bytes = await plain.get('/inbox/plain.csv');
await plain.end();
if (!Buffer.isBuffer(bytes)) throw new Error('no buffer came');
const rows: Record<string, string>[] = parse(bytes, { columns: true });
for (const row of rows) {
  const reply = await fetch(`http://127.0.0.1:${httpPort}/v6/async-events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer bench' },
    body: JSON.stringify({ event_name: 'account_opened', event_time: row.opened_at, data: row }),
  });
  const answer: unknown = await reply.json();
  insert.run(row.application_id, JSON.stringify(answer));
}
process.stdout.write(`${JSON.stringify({ ms: performance.now() - started, rows: rows.length })}\n`);
db.close();
