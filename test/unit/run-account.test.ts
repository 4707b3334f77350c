import { expect, test } from 'vitest';
import type { FileAccount } from '../../src/model.ts';
import { createRunAccount } from '../../src/pipelines/files/run-account.ts';
import { emptyCounts } from '../../src/reports/tally.ts';

const open = () =>
  createRunAccount(7, { id: 'feed', timezone: 'UTC' }, { provider: 'extole', account: 'acme', container: 'test' }, 0);

const file: FileAccount = {
  job: 'feed',
  processing: 'p1',
  name: 'a.csv',
  sha256: '',
  bytes: 1,
  state: 'open',
  counts: { ...emptyCounts(), read: 2, open: 2 },
  byEvent: [],
  reasons: [],
  notices: [],
  balanced: true,
};

test('a run that is to make room has done something only once it has worked on a file itself', () => {
  const account = open();
  account.addUntold(file, { id: 1, told: null });
  account.wait(file);
  // Meant for another account: nothing was done with it.
  account.leaveOpen(file);
  expect(account.begun).toBe(false);
  expect(account.finish(0)).toMatchObject({ seen: { files: 3 }, counts: { read: 2, open: 2 }, balanced: true });
  account.add(file, { id: 2, told: null });
  expect(account.begun).toBe(true);
});

test('a file that was tried and could not be brought further counts as work: the next one is not begun', () => {
  const account = open();
  account.leaveOpen(file, 'tried');
  expect(account.begun).toBe(true);
});
