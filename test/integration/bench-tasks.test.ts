import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, it } from 'vitest';

it('the benchmark can fill a ledger of today with delivered keys', () => {
  const state = mkdtempSync(join(tmpdir(), 'referry-bench-'));
  try {
    execFileSync(process.execPath, ['bench/task-fill.ts', state, '500'], { stdio: 'pipe' });
    const ledger = new Database(join(state, 'ledger.sqlite'), { readonly: true });
    expect(ledger.prepare("SELECT count(*) FROM deliveries WHERE state = 'delivered' AND owns = 1").pluck().get()).toBe(
      500,
    );
    ledger.close();
  } finally {
    rmSync(state, { recursive: true, force: true });
  }
});
