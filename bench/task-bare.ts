import { readFile } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import { Pool } from 'undici';

/** A bare undici loop that posts the bodies of a file's rows: `task-bare.ts <file> <port>`. The bodies are made before the clock starts. */
const [path = '', port = ''] = process.argv.slice(2);
const records: Record<string, string>[] = parse(await readFile(path), { columns: true });
const bodies = records.map((r) =>
  JSON.stringify({
    event_name: 'account_opened',
    event_time: '2026-11-20T15:00:00Z',
    data: {
      email: r.email,
      partner_user_id: r.member_id,
      first_name: r.first_name,
      last_name: r.last_name,
      product: 'checking',
      cart_value: r.amount,
      branch: r.branch,
      channel: r.channel,
      partner_conversion_id: r.application_id,
      container: 'production',
    },
  }),
);
const CONCURRENCY = 128;
const pool = new Pool(`http://127.0.0.1:${port}`, { connections: CONCURRENCY, pipelining: 1 });
const headers = { 'content-type': 'application/json', authorization: 'Bearer bench' };
let next = 0;
const started = performance.now();
await Promise.all(
  Array.from({ length: CONCURRENCY }, async () => {
    for (let body = bodies[next++]; body !== undefined; body = bodies[next++]) {
      const reply = await pool.request({ path: '/v6/async-events', method: 'POST', headers, body });
      await reply.body.text();
    }
  }),
);
process.stdout.write(`${JSON.stringify({ ms: performance.now() - started, cpu: process.cpuUsage() })}\n`);
await pool.close();
