import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLog, realIo } from '../../src/io.ts';
import { noticeClock } from '../../src/ledger/clock.ts';
import { scrubLedger } from '../../src/ledger/forget.ts';
import { openLinkBook, type TellLink } from '../../src/ledger/links.ts';
import { type Ledger, openLedger } from '../../src/ledger/open.ts';
import { countOldRecords, deleteOldRecords } from '../../src/ledger/prune.ts';
import {
  changesOf,
  membersWaiting,
  pagesOf,
  recordPage,
  type TellPage,
  takenUp,
  timeOfTask,
} from '../../src/ledger/received-pages.ts';
import { compileMemberKey } from '../../src/mapping/members.ts';

const NOW = Date.UTC(2026, 10, 21, 12);

describe('pages of members in the ledger', () => {
  let folder: string;
  let ledger: Ledger;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'referry-pages-'));
    ledger = await openLedger(join(folder, 'ledger.sqlite'), 'daemon', realIo(createLog('silent')));
  });
  afterAll(async () => {
    await ledger.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const told = (job: string, task: string, page: number, add: string[], remove: string[] = []): TellPage => {
    return { job, segment: '7', segmentName: 'Free', kind: 'sync', task, page, pages: 3, add, remove, rejected: 0 };
  };
  const drain = (job: string): TellPage => ({ ...told(job, '', 0, []), kind: 'drain', pages: 0 });
  const changes = (job: string, keyOf: (member: string) => string = String): string[] =>
    [...changesOf(ledger, job, '7', pagesOf(ledger, job, '7'), keyOf)].map(
      (each) => `${each.removed ? '-' : '+'}${each.member}`,
    );

  it('X13: a page is taken once, whatever order its members are in, and another page under its number beside it', () => {
    expect(recordPage(ledger, told('once', 't1', 1, ['a', 'b'], ['c']), NOW)).toBe('new');
    expect(recordPage(ledger, told('once', 't1', 1, ['b', 'a'], ['c']), NOW + 5)).toBe('known');
    expect(recordPage(ledger, told('once', 't1', 1, [], ['d']), NOW + 6)).toBe('new');
    expect(recordPage(ledger, told('once', 't1', 2, ['a', 'b'], ['c']), NOW + 7)).toBe('new');
    expect(pagesOf(ledger, 'once').map((page) => [page.page, page.adds, page.removes])).toEqual([
      [1, 2, 1],
      [1, 0, 1],
      [2, 2, 1],
    ]);
    expect(membersWaiting(ledger, 'once')).toBe(7);
  });

  it('what pages do is added up: the later task counts, and pages that were taken up do nothing again', () => {
    recordPage(ledger, told('sum', 't1', 1, ['ana', 'bo'], ['cy']), NOW);
    recordPage(ledger, told('sum', 't2', 1, ['cy'], ['ana']), NOW + 1000);
    expect(changes('sum')).toEqual(['-ana', '+bo', '+cy']);
    takenUp(ledger, pagesOf(ledger, 'sum'), NOW + 2000);
    expect(pagesOf(ledger, 'sum')).toEqual([]);
    expect(recordPage(ledger, told('sum', 't2', 1, ['cy'], ['ana']), NOW + 3000)).toBe('known');
    // A page of the first task that comes late says nothing any more of whom the second task tells.
    recordPage(ledger, told('sum', 't1', 2, ['ana', 'dan'], ['cy']), NOW + 4000);
    expect(changes('sum')).toEqual(['+dan']);
  });

  it('a task that comes whole after a later one is known by the time in its id', () => {
    const [early, late] = ['00e30000-de2c-11f1-8000-0242ac130003', '2b4cc000-def5-11f1-8000-0242ac130003'];
    const at = timeOfTask(early, NOW) ?? 0;
    expect(new Date(at).toISOString().slice(0, 10)).toBe('2026-11-12');
    expect(timeOfTask(late, NOW)).toBeGreaterThan(at);
    expect(timeOfTask('afe74af0-496e-11ec-81d3-0242ac130003', NOW)).toBeUndefined();
    expect(timeOfTask('f47ac10b-58cc-4372-a567-0e02b2c3d479', NOW)).toBeUndefined();
    recordPage(ledger, told('late', late, 1, [], ['ana']), NOW);
    recordPage(ledger, told('late', early, 1, ['ana', 'bo']), NOW + 1);
    expect(changes('late')).toEqual(['-ana', '+bo']);
  });

  it('a drain is kept once until it is taken up, and what came before it does nothing', () => {
    recordPage(ledger, told('gone', 't1', 1, ['ana']), NOW);
    expect(recordPage(ledger, drain('gone'), NOW)).toBe('new');
    expect(recordPage(ledger, drain('gone'), NOW + 2)).toBe('known');
    expect(pagesOf(ledger, 'gone').map(({ kind }) => kind)).toEqual(['sync', 'drain']);
    expect(changes('gone')).toEqual([]);
    recordPage(ledger, told('gone', 't2', 1, ['bo']), NOW + 3);
    expect(changes('gone')).toEqual(['+bo']);
    takenUp(ledger, pagesOf(ledger, 'gone'), NOW + 4);
    expect(recordPage(ledger, drain('gone'), NOW + 5)).toBe('new');
  });

  it('who is in both lists of a page is removed, and texts of any kind are kept as they are', () => {
    const odd = ['007', '9007199254740993', 'Ä b', "o'x", '1E5', 'null'];
    recordPage(ledger, told('odd', 't', 1, [...odd, 'both'], ['both']), NOW);
    expect(changes('odd')).toEqual(['+007', '+1E5', '+9007199254740993', '-both', '+null', "+o'x", '+Ä b']);
  });

  it('who is written in two ways is one member where the target knows people by e-mail, and two where it does not', () => {
    const byEmail = compileMemberKey({
      idKind: 'email',
      key: { from: 'id', unwrapExcel: false, scientific: 'accept', rounded: 'accept', width: 'accept' },
    });
    recordPage(ledger, told('spelt', 't1', 1, ['Di@Example.com', ' ed@example.com', 'no address']), NOW);
    recordPage(ledger, told('spelt', 't2', 1, ['ED@example.com'], ['di@example.com', 'No address']), NOW + 1000);
    recordPage(ledger, told('spelt', 't3', 1, ['Cy@example.com'], ['cy@example.com']), NOW + 2000);
    expect(changes('spelt', byEmail)).toEqual([
      ...['+ED@example.com', '-No address', '-cy@example.com', '-di@example.com', '+no address'],
    ]);
    expect(changes('spelt')).toHaveLength(8);
  });

  it('more than may wait is not taken, until some was taken up', () => {
    expect(recordPage(ledger, told('much', 't', 1, ['a', 'b']), NOW, 3)).toBe('new');
    expect(recordPage(ledger, told('much', 't', 2, ['c', 'd']), NOW, 3)).toBe('full');
    expect(recordPage(ledger, told('much', 't', 1, ['a', 'b']), NOW, 3)).toBe('known');
    takenUp(ledger, pagesOf(ledger, 'much'), NOW);
    expect(recordPage(ledger, told('much', 't', 2, ['c', 'd']), NOW, 3)).toBe('new');
  });

  it('what was told under a clock that was a year ahead is no later than what is told once it is right', () => {
    const YEAR = 365 * 86_400_000;
    const { db } = ledger;
    db.prepare("INSERT INTO destinations (provider, account, container) VALUES ('extole', 'acme', 'production')").run();
    const book = openLinkBook(ledger, { destinationId: 1, label: 'refer' });
    const link = (code: string, asOf: number): TellLink => {
      return { email: 'ana@example.com', link: `https://a.example/${code}`, code, cameBy: 'webhook', asOf };
    };
    noticeClock(ledger, NOW + YEAR);
    book.record([link('early', NOW + YEAR)], NOW + YEAR);
    recordPage(ledger, told('clock', 't1', 1, ['ana']), NOW + YEAR);
    noticeClock(ledger, NOW + 10_000);
    expect(book.record([link('late', NOW + 20_000)], NOW + 20_000)).toEqual(['changed']);
    recordPage(ledger, told('clock', 't2', 1, [], ['ana']), NOW + 20_000);
    expect(changes('clock')).toEqual(['-ana']);
  });

  it('X20: who is forgotten is in no page, and pages that were taken up go with their time', () => {
    const members = (): number =>
      ledger.db.prepare<[], { n: number }>('SELECT count(*) AS n FROM received_members').get()?.n ?? 0;
    recordPage(ledger, told('who', 't', 1, ['ana@example.com', 'bo@example.com']), NOW);
    const before = members();
    scrubLedger(
      ledger,
      (text) => text === 'ana@example.com',
      () => 'x',
    );
    expect(members()).toBe(before - 1);
    expect(changes('who')).toEqual(['+bo@example.com']);
    for (const page of [1, 2, 3, 4, 5]) recordPage(ledger, told('gone', 't', page, ['eve']), NOW);
    takenUp(ledger, pagesOf(ledger, 'gone'), NOW + 1000);
    const cutoffs = { requests: 0, observations: 0, received: NOW + 10_000 };
    const old = countOldRecords(ledger, cutoffs).received;
    expect(old).toBeGreaterThan(4);
    expect(deleteOldRecords(ledger, cutoffs).received).toBe(old);
    expect(countOldRecords(ledger, cutoffs).received).toBe(0);
    const orphans = 'SELECT count(*) AS n FROM received_members WHERE page_id NOT IN (SELECT id FROM received_pages)';
    expect(ledger.db.prepare(orphans).get()).toEqual({ n: 0 });
    expect(changes('who')).toEqual(['+bo@example.com']);
    // A segment that no job names: nobody takes its pages up.
    const DAY = 86_400_000;
    expect(countOldRecords(ledger, { ...cutoffs, received: NOW + 59 * DAY }).received).toBe(0);
    expect(countOldRecords(ledger, { ...cutoffs, received: NOW + 61 * DAY }).received).toBeGreaterThan(0);
  });
});
