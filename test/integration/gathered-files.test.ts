import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createLog, realIo } from '../../src/io.ts';
import { openLedger } from '../../src/ledger/open.ts';
import { gatherFile } from '../../src/pipelines/files/gathered.ts';

const root = mkdtempSync(join(tmpdir(), 'referry-gathered-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

test('a gathering removes what one before it left that was cut short, and nothing of a job whose id begins so', async () => {
  const io = realIo(createLog('silent'));
  const ledger = await openLedger(join(root, 'ledger.db'), 'command', io);
  try {
    const folder = join(root, 'pages');
    mkdirSync(folder);
    const stamp = '20261120T000000Z-r7.csv';
    const others = [
      `crm-heap-heap-${stamp}`,
      `crm-heap-delivered-${stamp}`,
      `crm-heap-heap-${stamp}.part`,
      'crm-heap-list.csv',
    ];
    const left = [`crm-heap-${stamp}`, `crm-heap-${stamp}.part`, 'crm-heap-20261120-0a1b2c3d.csv'];
    for (const name of [...others, ...left]) writeFileSync(join(folder, name), 'left');
    const { signal } = new AbortController();
    const { file, rows } = await gatherFile(
      { run: 9, ledger, io, signal, staging: root, progress: () => {} },
      { job: 'crm', begin: 'crm-heap-', folder: 'pages', taken: () => {} },
      { columns: ['id', 'name'], batches: [[[' 007', 'Ann, B']], [['1E5', '']]] },
    );
    expect(rows).toBe(2);
    expect(file?.name).toMatch(/^crm-heap-\d{8}T\d{6}Z-r9\.csv$/);
    expect(readFileSync(file?.path ?? '', 'utf8')).toBe('id,name\n" 007","Ann, B"\n1E5,\n');
    expect(readdirSync(folder).sort()).toEqual([...others, file?.name].sort());
    await file?.taken();
    expect(readdirSync(folder).sort()).toEqual(others.sort());
  } finally {
    await ledger.close();
  }
});
