import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';

const FIRST = ['Ada', 'Bo', 'Carla', 'Dinesh', 'Edith', 'Farid', 'Grace', 'Hugo'];
const LAST = ['Lovelace', 'Nguyen', 'García', 'Patel', 'Smith', 'Okafor', 'Kim', 'Ferreira'];

export const COLUMNS = 'application_id,member_id,first_name,last_name,email,product,amount,opened_at,branch,channel';

/** One row of account openings; `key` makes it unique. */
export function rowOf(i: number, key: string): string {
  const first = FIRST[i % 8] ?? '';
  const last = LAST[(i >> 3) % 8] ?? '';
  const amount = `${(i % 9000) + 10}.${String(i % 100).padStart(2, '0')}`;
  const minute = String(i % 60).padStart(2, '0');
  return `${key},M${i},${first},${last},user.${i}@example.com,CHK,${amount},11/20/2026 10:${minute},B${i % 300},online`;
}

/** Writes a file of `rows` rows with random keys, or keys counted from `from` under `prefix`. Returns its size in bytes. */
export async function writeRows(path: string, rows: number, keys: 'random' | string): Promise<number> {
  const out = createWriteStream(path);
  let piece = `${COLUMNS}\n`;
  let bytes = 0;
  for (let i = 0; i < rows; i++) {
    const key = keys === 'random' ? randomBytes(12).toString('hex') : `${keys}${i}`;
    piece += `${rowOf(i, key)}\n`;
    if (piece.length > 1 << 20) {
      bytes += Buffer.byteLength(piece);
      if (!out.write(piece)) await once(out, 'drain');
      piece = '';
    }
  }
  bytes += Buffer.byteLength(piece);
  out.end(piece);
  await once(out, 'finish');
  return bytes;
}

/** The job that the benchmark runs, as YAML. */
export function jobText(servers: { http: number; sftp: number; hostKey: string }, match: string): string {
  return `pipeline: deliver-events
source:
  url: sftp://bench@127.0.0.1:${servers.sftp}/inbox
  password: bench
  hostKey: ${servers.hostKey}
  match: "${match}"
  stable: { for: 0s }
event:
  name: account_opened
  key: application_id
  time: { from: opened_at, format: "MM/dd/yyyy HH:mm", timezone: America/New_York }
  maxAge: 36500d
  data:
    email: email
    partner_user_id: member_id
    first_name: first_name
    last_name: last_name
    product: { from: product, map: { CHK: checking, SAV: savings } }
    cart_value: { from: amount, type: money, currency: USD }
    branch: branch
    channel: channel
destination:
  extole:
    account: bench
    lane: async-events
    token: bench
    apiUrl: http://127.0.0.1:${servers.http}
    eventsUrl: http://127.0.0.1:${servers.http}
retention: { keys: 40000d }
`;
}
