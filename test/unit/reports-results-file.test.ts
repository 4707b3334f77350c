import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type ResultRow, resultsFormat } from '../../src/reports/results.ts';
import { createResultsFile } from '../../src/reports/results-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'referry-results-'));
afterAll(() => rmSync(folder, { recursive: true }));

const rowAt = (line: number): ResultRow => ({
  line,
  outcome: 'delivered',
  code: '',
  reason: '',
  eventId: `e-${line}`,
  attempts: 1,
  at: '2026-11-20T11:15:02Z',
});

describe('a results file', () => {
  it('holds every line in order, also beyond its buffer, and knows its size and hash', async () => {
    const path = join(folder, 'many.csv');
    const format = resultsFormat({ delimiter: ',', header: 'id,text', json: false });
    const writer = await createResultsFile(path, format);
    let expected = format.headerLine();
    for (let line = 2; line < 30_002; line++) {
      const raw = `${line},é${'x'.repeat(line % 90)}`;
      writer.add(rowAt(line), line % 2 === 0 ? Buffer.from(raw) : raw);
      expected += format.line(rowAt(line), raw);
      if (line % 500 === 0) await writer.flush();
    }
    const summary = await writer.finish();
    const bytes = readFileSync(path);
    expect(bytes.toString()).toBe(expected);
    expect(summary).toEqual({
      path,
      size: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      lines: 30_000,
    });
  });

  it('takes a record larger than its buffer', async () => {
    const path = join(folder, 'large.csv');
    const writer = await createResultsFile(path, resultsFormat({ delimiter: ',', header: 'a', json: false }));
    writer.add(rowAt(2), 'y'.repeat(3_000_000));
    writer.add(rowAt(3), 'z');
    const { size } = await writer.finish();
    const text = readFileSync(path, 'utf8');
    expect(text.length).toBe(size);
    expect(text.endsWith(`${'y'.repeat(3_000_000)}\n3,delivered,,,e-3,1,2026-11-20T11:15:02Z,z\n`)).toBe(true);
  });

  it('has its header also without rows', async () => {
    const path = join(folder, 'empty.csv');
    const writer = await createResultsFile(path, resultsFormat({ delimiter: '|', header: 'a|b', json: false }));
    expect((await writer.finish()).lines).toBe(0);
    expect(readFileSync(path, 'utf8')).toBe('line|outcome|code|reason|event_id|attempts|at|a|b\n');
  });

  it('is removed when it is discarded, and stays once finished', async () => {
    const path = join(folder, 'gone.jsonl');
    const writer = await createResultsFile(path, resultsFormat({ delimiter: '', json: true }));
    writer.add(rowAt(2), '{"a":1}');
    await writer.discard();
    await writer.discard();
    expect(existsSync(path)).toBe(false);

    const kept = await createResultsFile(path, resultsFormat({ delimiter: '', json: true }));
    kept.add(rowAt(2), '{"a":1}');
    await kept.finish();
    await kept.discard();
    expect(JSON.parse(readFileSync(path, 'utf8')).row).toEqual({ a: 1 });
  });
});
