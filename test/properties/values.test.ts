import fc from 'fast-check';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { compileMapping } from '../../src/mapping/compile.ts';
import { compileAmount, type MoneyLocale } from '../../src/mapping/money.ts';
import { eventSettings } from '../../src/mapping/settings.ts';
import { TransferError } from '../../src/model.ts';
import { resolvePath, revisionOf, shown, temporaryOf } from '../../src/remotes/names.ts';
import { reportCsv } from '../../src/reports/report-csv.ts';
import { resultsFormat, resultsName } from '../../src/reports/results.ts';
import { visible } from '../../src/reports/visible.ts';
import { ACTING } from '../fuzz/support.ts';
import { fileAccount, runAccount } from '../unit/reports-fixture.ts';
import { splitByRfc4180 } from './support/reference.ts';
import { runs } from './support/runs.ts';

const text = fc.string({ unit: 'binary', maxLength: 30 });
const sly = fc
  .tuple(
    fc.constantFrom('', ' ', '\t', '\r', '\n', '\u00a0', '\u200b', '\ufeff', '"', "'", ',', ';'),
    fc.constantFrom('=', '+', '-', '@', '＝', '＋', '－', '＠', 'x'),
    fc.constantFrom('HYPERLINK("http://x","y")', '1+1', 'cmd|x', '', '5', '1,5'),
  )
  .map((parts) => parts.join(''));
const nasty = fc.oneof(sly, text, fc.string({ unit: 'grapheme', maxLength: 20 }));

it('I21: in a report for people no cell begins as a formula, whatever files, reasons and notices say', async () => {
  await fc.assert(
    fc.asyncProperty(nasty, nasty, nasty, nasty, async (name, reason, detail, event) => {
      const file = fileAccount({
        name,
        events: [event],
        shares: [
          ['rejected', 2, 'VALUE', reason],
          ['delivered', 1, '', ''],
        ],
        more: { resultsPath: detail, notices: [{ code: 'N', message: detail }] },
      });
      const report = await reportCsv(runAccount([file], { notices: [{ code: 'N', message: reason }] }));
      const read = splitByRfc4180(report.replace(/^\ufeff/, ''), ',');
      expect(read.ok).toBe(true);
      if (!read.ok) return;
      const [header, ...records] = read.records;
      for (const { fields } of records) {
        expect(fields).toHaveLength(header?.fields.length ?? 0);
        for (const cell of fields)
          expect([cell, /^[\s\u200b\ufeff]*[=+\-@＝＋－＠]/u.test(cell) && !/^[+-]?\d[\d.,]*$/.test(cell)]).toEqual([
            cell,
            false,
          ]);
      }
    }),
    runs(300),
  );
});

it('I21: the results file carries each input row as it stands, and one line more for each row, whatever is said of it', () => {
  const record = fc
    .array(
      nasty.map((cell) => `"${cell.replaceAll('"', '""')}"`),
      { minLength: 1, maxLength: 4 },
    )
    .map((cells) => cells.join(','));
  fc.assert(
    fc.property(record, nasty, nasty, (raw, reason, code) => {
      const format = resultsFormat({ json: false, delimiter: ',', header: 'a' });
      const line = format.line(
        { line: 2, outcome: 'rejected', code, reason, eventId: '', attempts: 0, at: '' },
        Buffer.from(raw),
      );
      expect(
        Buffer.from(line)
          .subarray(-Buffer.byteLength(raw) - 1)
          .toString(),
      ).toBe(`${Buffer.from(raw).toString()}\n`);
      const before = Buffer.from(line)
        .subarray(0, -Buffer.byteLength(raw) - 2)
        .toString();
      const read = splitByRfc4180(before, ',');
      expect(read.ok && read.records.length === 1 && read.records[0]?.fields.length).toBe(7);
    }),
    runs(1000),
  );
});

it('I29: whatever a remote calls its files, our paths stay in their folder and our lines stay one line', () => {
  const name = fc.oneof(
    nasty,
    fc
      .array(fc.constantFrom('..', '.', '/', 'a', '\\', '\0', '\u001b[2J', '\n', '-rf', 'CON', '%2e', '\u202e'), {
        maxLength: 7,
      })
      .map((parts) => parts.join('')),
  );
  const lines: string[] = [];
  const log = pino({}, { write: (line) => void lines.push(line) });
  fc.assert(
    fc.property(name, (given) => {
      lines.length = 0;
      log.info({ file: given, error: new TransferError('X', given) }, given);
      expect(lines.join('').trimEnd().split('\n')).toHaveLength(1);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is what this is for
      expect(/[\u0000-\u001f]/.test(lines.join('').trimEnd())).toBe(false);
      expect(ACTING.test(shown(given))).toBe(false);
      expect(ACTING.test(visible(given))).toBe(false);
      for (const path of [given, `results/${resultsName(given)}`, `inbox/${given}`]) {
        let resolved: string;
        try {
          resolved = resolvePath('/srv/root', path);
        } catch (error) {
          expect(error).toBeInstanceOf(TransferError);
          continue;
        }
        // The root itself is no file.
        if (path.startsWith('/') || resolved === '/srv/root') continue;
        for (const made of [resolved, temporaryOf(resolved, 'ab'.repeat(32)), revisionOf(resolved, 2)])
          expect([made, made.startsWith('/srv/root/') && !made.split('/').includes('..')]).toEqual([made, true]);
      }
    }),
    runs(2000),
  );
});

const COLUMNS = ['id', 'at', 'email', 'product', 'amount', 'cur'] as const;
type Fact = Record<(typeof COLUMNS)[number], string>;
const fact: fc.Arbitrary<Fact> = fc.record({
  id: fc.constant('A-1'),
  at: fc.integer({ min: 0, max: 86_399 }).map((s) => new Date(1_795_000_000_000 + s * 1000).toISOString()),
  email: fc.constantFrom('jane@example.com', 'jo@example.com'),
  product: fc.constantFrom('Café', 'a;b', '5:x=1', '1:y', 'USD', ''),
  amount: fc.integer({ min: 0, max: 99_999 }).map((cents) => (cents / 100).toFixed(2)),
  cur: fc.constantFrom('USD', 'EUR'),
});
const FIELDS = {
  email: 'email',
  product: 'product',
  cart_value: { from: 'amount', type: 'money', currency: { from: 'cur' } },
};

function contentOf(row: Fact, columns: readonly string[], names: readonly string[]): string {
  const data = Object.fromEntries(names.flatMap((name) => Object.entries(FIELDS).filter(([field]) => field === name)));
  const settings = eventSettings.parse({
    name: 'opened',
    key: 'id',
    time: { from: 'at', format: ['iso'], timezone: 'UTC' },
    maxAge: '9999d',
    maxAhead: '9999d',
    data,
  });
  const map = compileMapping(settings, columns, {
    fileName: 'x',
    now: 1_795_000_000_000,
    hash: (canonical) => canonical,
  });
  const mapped = map(
    columns.map((name) => Object.entries(row).find(([column]) => column === name)?.[1] ?? 'more'),
    2,
  );
  return mapped.ok ? mapped.contentHash : mapped.code;
}

it('the content of a row is the same under every order and way of writing, and another where any fact is another', () => {
  const order = fc.shuffledSubarray([...COLUMNS, 'unmapped'], { minLength: COLUMNS.length + 1 });
  const fields = fc.shuffledSubarray(Object.keys(FIELDS), { minLength: 3 });
  fc.assert(
    fc.property(fact, fact, order, fields, (one, other, columns, names) => {
      const usual = contentOf(one, COLUMNS, Object.keys(FIELDS));
      const rewritten = {
        ...one,
        email: ` ${one.email.toUpperCase()} `,
        product: one.product.normalize('NFD'),
        amount: one.amount.replace(/\.?0+$/, ''),
        at: one.at.replace(/\.000Z$/, '+00:00'),
      };
      expect(contentOf(rewritten, columns, names)).toBe(usual);
      const same = COLUMNS.every((name) => one[name] === other[name]);
      expect(contentOf(other, columns, names) === usual).toBe(same);
    }),
    runs(1000),
  );
});

it('I43: an amount is read as exactly what its notation says, or not at all', () => {
  const notation: Record<MoneyLocale, [group: string, decimal: string]> = {
    plain: ['', '.'],
    en: [',', '.'],
    de: ['.', ','],
    fr: [' ', ','],
    ch: ["'", '.'],
  };
  const locale = fc.constantFrom('plain' as const, 'en' as const, 'de' as const, 'fr' as const, 'ch' as const);
  fc.assert(
    fc.property(
      locale,
      fc.bigInt({ min: 0n, max: 10n ** 17n - 1n }),
      fc.boolean(),
      fc.boolean(),
      (which, cents, grouped, minus) => {
        const [group, decimal] = notation[which];
        const whole = (cents / 100n).toString();
        const written = `${grouped ? whole.replace(/\B(?=(\d{3})+(?!\d))/g, group) : whole}${decimal}${(cents % 100n).toString().padStart(2, '0')}`;
        const read = compileAmount({ locale: which, negative: true })(`${minus ? '-' : ''}${written}`, 'USD');
        const sign = minus ? -1n : 1n;
        expect([written, read?.units]).toEqual([written, cents * 100n * sign]);
        expect(read?.text).toBe(
          `${minus && cents > 0n ? '-' : ''}${whole}.${(cents % 100n).toString().padStart(2, '0')}`,
        );
        for (const [strange, [otherGroup, otherDecimal]] of Object.entries(notation)) {
          if (
            strange === which ||
            otherDecimal !== decimal ||
            otherGroup === group ||
            !grouped ||
            whole.length < 4 ||
            group === ''
          )
            continue;
          const foreign = whole.replace(/\B(?=(\d{3})+(?!\d))/g, otherGroup);
          if (otherGroup !== '')
            expect(compileAmount({ locale: which, negative: true })(`${foreign + decimal}00`, 'USD')).toBeUndefined();
        }
      },
    ),
    runs(1000),
  );
});
