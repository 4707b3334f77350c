import { createMorningTally, type MorningAccount, type SeenFile } from '../../src/reports/morning.ts';
import { exportAccount, pushAccount, shareLinksRun } from './reports-after-fixture.ts';
import { fileAccount, realisticRun, refusedFile, SCRIPT, uglyRun } from './reports-fixture.ts';

export const ZONE = 'America/New_York';
const DAY = 86_400_000;
/** 6:15 in New York, 20 November 2026. */
const LAST = Date.parse('2026-11-20T11:15:00Z');

export const lastDays = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => new Date(LAST - (count - 1 - i) * DAY).toISOString().slice(0, 10));

export const seen = (file: Pick<SeenFile, 'name' | 'account'>, openedAt: number, revisedAt?: number): SeenFile => ({
  name: file.name,
  account: file.account,
  openedAt,
  revisedAt: revisedAt ?? null,
});

export function morning(
  files: readonly SeenFile[],
  more: Partial<Pick<MorningAccount, 'job' | 'waiting' | 'expected' | 'exports' | 'pushes'>> = {},
  days = 30,
): MorningAccount {
  const tally = createMorningTally(lastDays(days), ZONE);
  tally.add(files);
  return tally.finish({ job: 'account-openings', madeAt: '2026-11-21T11:30:00Z', waiting: [], expected: [], ...more });
}

/** Four weeks of weekday files, the last of them those of a good run. */
export function realisticMorning(): MorningAccount {
  const files: SeenFile[] = [];
  for (let back = 29; back > 0; back--) {
    const at = LAST - back * DAY;
    const weekday = new Date(at).getUTCDay();
    if (weekday === 0 || weekday === 6) continue;
    const rows = 700 + ((back * 379) % 900);
    files.push(
      seen(
        {
          name: `openings-${back}.csv`,
          account: fileAccount({
            name: `openings-${back}.csv`,
            currencies: back % 2 === 0 ? ['USD'] : ['USD', 'CAD'],
            shares: [
              ['delivered', rows, '', ''],
              ['duplicate', back % 7, 'DUPLICATE', 'known'],
              ['rejected', (back * 5) % 31, back % 2 === 0 ? 'EMAIL_INVALID' : 'TIME_INVALID', 'no'],
              ['failed', back === 3 ? 12 : 0, 'THROTTLED', 'the queue is full'],
            ],
          }),
        },
        at + ((back * 7) % 50) * 60_000,
        back === 9 ? at + 2 * DAY : undefined,
      ),
    );
  }
  for (const file of realisticRun().files) files.push(seen({ name: file.name, account: file }, LAST));
  return morning(files, {
    waiting: [
      { what: 'files refused', count: 1, oldest: '2026-11-20T11:15:00Z' },
      { what: 'rows in conflict', count: 9, oldest: '2026-11-20T11:15:00Z' },
      { what: 'rows failed', count: 12, oldest: '2026-11-17T11:36:00Z' },
    ],
    expected: [
      {
        day: '2026-11-12',
        state: 'missing',
        subject: '',
        since: '2026-11-13T05:00:00Z',
        solvedAt: '2026-11-13T14:02:00Z',
      },
      { day: '2026-11-20', state: 'too-small', subject: '31', since: '2026-11-20T11:15:00Z', solvedAt: null },
    ],
  });
}

/** Hostile and long names, an imbalance, a file that is not read, one that came afterwards. */
export function uglyMorning(): MorningAccount {
  const files = uglyRun().files.map((file) => seen({ name: file.name, account: file }, LAST));
  return morning(
    [
      seen(
        { name: 'early.csv', account: fileAccount({ name: 'early.csv', shares: [['delivered', 3, '', '']] }) },
        LAST - DAY,
      ),
      ...files,
      seen({ name: `${SCRIPT}-unread.csv`, account: null }, LAST),
      seen(
        { name: 'next.csv', account: fileAccount({ name: 'next.csv', shares: [['delivered', 7, '', '']] }) },
        LAST + DAY,
      ),
    ],
    {
      job: 'öffnungen & <b>more</b>',
      waiting: [{ what: 'rows held', count: 4, oldest: '2026-11-01T00:00:00Z' }],
      expected: [{ day: '2026-11-20', state: 'late', subject: '', since: '2026-11-20T12:00:00Z', solvedAt: null }],
    },
  );
}

export function manyFiles(count: number): MorningAccount {
  return morning(
    Array.from({ length: count }, (_, i) => {
      const name = `branch-${String(i).padStart(4, '0')}-openings-20261120.csv`;
      const account =
        i % 97 === 0
          ? refusedFile(name, { code: 'EMPTY_FILE', message: 'no rows' })
          : fileAccount({ name, shares: [['delivered', 5 + (i % 40), '', '']] });
      return seen({ name, account }, LAST - 5 * 3_600_000 + ((i * 97) % 1200) * 60_000);
    }),
  );
}

/** Share links: exports and pushes of each state, and a segment that was synced. */
export function shareLinksMorning(): MorningAccount {
  const { files, exports = [], pushes = [] } = shareLinksRun();
  const segment = {
    ...{ segment: 'vip', kind: 'snapshot' as const, state: 'done' as const, before: 1200, desired: 1204, added: 9 },
    ...{ removed: 5, unchanged: 1195, rejected: 0, open: 0, after: 1204 },
    history: [['2026-11-19T11:15:00Z', 1200] as const, ['2026-11-20T11:15:00Z', 1204] as const],
  };
  const told = files.map((file) => seen({ name: file.name, account: { ...file, segments: [segment] } }, LAST));
  return morning(told, { job: 'share-links', exports, pushes });
}

/** A day whose files balance, and whose export and push do not. */
export function lostLinksMorning(): MorningAccount {
  const { counts } = pushAccount();
  return morning([], {
    job: 'share-links',
    exports: [exportAccount({ rows: 1199 })],
    pushes: [pushAccount({ counts: { ...counts, delivered: counts.delivered - 2 } })],
  });
}
