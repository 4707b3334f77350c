import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { uploadSettings } from '../../src/destinations/extole/upload-settings.ts';
import { interpret } from '../../src/pipelines/files/by-file/interpret.ts';
import { openResults } from '../../src/reports/results-reader.ts';
import { must, newFolder, takeFrom } from './support.ts';

const folder = newFolder();
const path = join(folder, 'results');
const COLUMNS = ['event_name', 'event_time', 'email', 'partner_user_id', 'partner_conversion_id', 'container'];
const { results } = uploadSettings.parse({});

/** Results of any bytes, ours and Extole's: read, or said to be unreadable; a row is never made up. */
export async function fuzz(data: Buffer): Promise<void> {
  const take = takeFrom(data);
  const kind = take.pick(['extole', 'ours', 'json']);
  const format = take.pick(['csv', 'psv'] as const);
  const bytes = take.rest();
  writeFileSync(path, bytes);
  if (kind === 'extole') return answers(bytes, format);
  const layout =
    kind === 'json' ? { delimiter: '', json: true } : { delimiter: ',', json: false, header: Buffer.from('id,email') };
  const reader = await openResults(path, layout);
  if (reader === undefined) return;
  const raw = Buffer.from(kind === 'json' ? '{"id":"1"}' : '1,a@example.com');
  for (let line = 2; line < 6; line++) {
    const told = await reader.next(line, raw);
    if (told === undefined) break;
    must(told.line === line && bytes.includes(raw), 'a row is made up', told);
    must(
      typeof told.code === 'string' && typeof told.reason === 'string' && typeof told.eventId === 'string',
      'a field is no text',
      told,
    );
    must(Number.isInteger(told.attempts) && told.attempts >= 0 && Number.isFinite(told.at), 'a number is none', told);
  }
  await reader.atEnd();
  await reader.close();
}

async function answers(bytes: Buffer, format: 'csv' | 'psv'): Promise<void> {
  const found = await interpret(path, { format, columns: COLUMNS, keyField: 'partner_conversion_id' }, results);
  if (found.kind !== 'rows') return;
  for await (const batch of found.lines()) {
    for (const { key, verdict, line } of batch) {
      must(line > 1, 'the header is a row');
      must(['success', 'failure', 'unclear'].includes(verdict.kind), 'no verdict', verdict);
      must(typeof key === 'string', 'no key', key);
    }
  }
  must(bytes.length > 0, 'rows out of nothing');
}
