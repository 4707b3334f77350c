/** The stand-in's files and batches, as a client of its own asks for them. */
import { request as httpRequest } from 'node:http';
import type { ExtoleOptions, ExtoleStandIn } from '../../src/sandbox/extole/server.ts';
import { standIn } from './extole-setup.ts';

export const TOKEN = 'token';
export const BOUNDARY = 'a-boundary';

interface Sent {
  method?: string;
  type?: string;
  token?: string;
  body?: string | Buffer;
}

/** Waits for the end of the answer, however it ends. */
export function call(
  server: ExtoleStandIn,
  path: string,
  sent: Sent = {},
): Promise<{ status: number; text: string; json: Json }> {
  const { method = 'GET', type = 'application/json', token = TOKEN, body = '' } = sent;
  const headers = { authorization: `Bearer ${token}`, 'content-type': type };
  return new Promise((resolve, reject) => {
    const req = httpRequest(`${server.url}${path}`, { method, headers, agent: false }, (res) => {
      let text = '';
      res.setEncoding('utf8');
      res.on('data', (chunk) => {
        text += chunk;
      });
      res.on('error', reject);
      res.on('end', () => resolve({ status: res.statusCode ?? 0, text, json: jsonOf(text) }));
    });
    req.on('error', reject);
    req.end(body);
  });
}

export type Json = { [name: string]: unknown };

export function jsonOf(text: string): Json {
  try {
    const value: Json = JSON.parse(text);
    return value;
  } catch {
    return {};
  }
}

export interface Form {
  metadata?: unknown;
  metadataName?: string;
  metadataType?: string;
  file?: string | Buffer;
  fileName?: string;
  filename?: string;
}

export const FILE =
  'event_name,email,partner_conversion_id\naccount_opened,ann@example.com,A-1\naccount_opened,nobody,A-2\naccount_opened,ben@example.com,A-3\n';

export function form({
  metadata = {},
  metadataName = 'fileAssetMetadata',
  metadataType = 'application/json',
  file = FILE,
  fileName = 'fileInputStreamRequest',
  filename = 'events_1.csv',
}: Form = {}): Buffer {
  const text = typeof metadata === 'string' ? metadata : JSON.stringify(metadata);
  return Buffer.concat([
    Buffer.from(
      `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${metadataName}"\r\nContent-Type: ${metadataType}\r\n\r\n${text}\r\n` +
        `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${fileName}"; filename="${filename}"\r\nContent-Type: text/csv\r\n\r\n`,
    ),
    Buffer.from(file),
    Buffer.from(`\r\n--${BOUNDARY}--\r\n`),
  ]);
}

export const upload = (server: ExtoleStandIn, parts: Form = {}): Promise<{ status: number; json: Json }> =>
  call(server, '/v6/files', { method: 'POST', type: `multipart/form-data; boundary=${BOUNDARY}`, body: form(parts) });

export const make = (server: ExtoleStandIn, body: object): Promise<{ status: number; json: Json }> =>
  call(server, '/v6/batches', { method: 'POST', body: JSON.stringify(body) });

export const COLUMNS = ['event_name', 'email', 'partner_conversion_id'];

export async function fileAndServer(
  options: Partial<ExtoleOptions> = {},
  parts: Form = {},
): Promise<{ server: ExtoleStandIn; source: object }> {
  const server = await standIn({ tokens: [TOKEN], ...options });
  const { json } = await upload(server, parts);
  return { server, source: { type: 'FILE_ASSET', file_asset_id: json.id } };
}

export async function batchOf(server: ExtoleStandIn, source: object, more: object = {}): Promise<string> {
  const { json } = await make(server, { data_source: source, event_columns: COLUMNS, ...more });
  return String(json.id);
}

/** Looks until the batch has come to an end, or twelve times. */
export async function watch(server: ExtoleStandIn, id: string): Promise<Json[]> {
  const seen: Json[] = [];
  for (let look = 0; look < 12; look += 1) {
    const { json } = await call(server, `/v6/batches/${id}`);
    seen.push(json);
    if (['DONE', 'FAILED', 'CANCELED', 'EXPIRED'].includes(String(json.status))) break;
  }
  return seen;
}

export const taken = (server: ExtoleStandIn) => server.received.filter(({ method }) => method === 'ROW');
