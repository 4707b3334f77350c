import type { FileAccount, Outcome, RefusalDetail, RunAccount } from '../../src/model.ts';
import { balanceOf } from '../../src/reports/balance.ts';
import { createTally, emptyCounts, sumCounts } from '../../src/reports/tally.ts';

type Share = [state: Outcome | 'open', count: number, code: string, reason: string];

export interface Sketch {
  name: string;
  job?: string;
  events?: string[];
  currencies?: string[];
  shares: Share[];
  more?: Partial<FileAccount>;
}

/** A file whose rows went as sketched; amounts and times follow from the line. */
export function fileAccount(sketch: Sketch): FileAccount {
  const tally = createTally();
  const events = sketch.events ?? ['account_opened'];
  const currencies = sketch.currencies ?? ['USD'];
  let line = 1;
  for (const [state, count, code, reason] of sketch.shares) {
    for (let i = 0; i < count; i++) {
      line++;
      const unread = state === 'rejected' && code.startsWith('KEY');
      tally.add({
        line,
        state,
        code,
        reason,
        eventName: unread ? '' : (events[line % events.length] ?? ''),
        money: unread
          ? undefined
          : { currency: currencies[line % currencies.length] ?? 'USD', units: BigInt(line) * 12_345_600n },
        eventMs: unread ? undefined : Date.UTC(2026, 10, 19, 14, 0, line % 3600),
      });
    }
  }
  const pieces = tally.pieces();
  return {
    job: sketch.job ?? 'account-openings',
    processing: `p-${sketch.name}`,
    sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    bytes: line * 97,
    name: sketch.name,
    state: pieces.counts.open > 0 ? 'open' : 'processed',
    lane: 'async-events',
    proof: 'event_id',
    ...pieces,
    notices: [],
    balanced: balanceOf(pieces.counts).balanced,
    resultsPath: `results/${sketch.name}.results.csv`,
    archivedAs: `archive/${sketch.name}.20261120T111502Z.9f86d081`,
    ...sketch.more,
  };
}

/** A file of which nothing was read. */
export function refusedFile(name: string, refusal: RefusalDetail, state: 'refused' | 'held' = 'refused'): FileAccount {
  const { lane: _lane, proof: _proof, ...file } = fileAccount({ name, shares: [] });
  return { ...file, state, refusal, archivedAs: `refused/${name}`, counts: emptyCounts() };
}

export function runAccount(files: FileAccount[], more: Partial<RunAccount> = {}): RunAccount {
  const seen = { files: files.length, processed: 0, held: 0, refused: 0, open: 0 };
  for (const file of files) seen[file.state]++;
  return {
    run: '01JD4Q8Z6W3V',
    job: 'account-openings',
    timezone: 'America/New_York',
    destination: { provider: 'extole', account: 'acme', container: 'production' },
    startedAt: '2026-11-20T11:15:00Z',
    endedAt: '2026-11-20T11:15:41Z',
    carriedIn: 0,
    files,
    seen,
    counts: sumCounts(files.map((file) => file.counts)),
    balanced: files.every((file) => file.balanced),
    notices: [],
    ...more,
  };
}

export const SCRIPT = '<script>document.title="hacked"</script><img src=x onerror="document.title=\'hacked\'">';

/** What a good morning looks like, almost: one broken upload, some rows for the partner. */
export function realisticRun(): RunAccount {
  return runAccount([
    refusedFile('account-openings-20261119-truncated.csv', {
      code: 'QUOTE_NOT_CLOSED',
      message:
        'line 42, column 4 (last_name): the quote that opens the field is not closed before the end of the file.',
      hint: 'The upload was probably cut off. Ask the sender for the whole file.',
      line: 42,
    }),
    fileAccount({
      name: 'account-openings-20261120.csv',
      shares: [
        ['delivered', 1117, '', ''],
        ['duplicate', 5, 'DUPLICATE_IN_FILE', 'the same key and content as line 12'],
        ['conflict', 7, 'CONFLICT_IN_FILE', 'the same key as lines 61, 604 and 1149 with other content'],
        ['rejected', 9, 'EMAIL_INVALID', 'email "jo doe@example.com" is not one e-mail address'],
        ['rejected', 8, 'TIME_INVALID', 'opened_on "02/30/2026" is no date of the form MM/dd/yyyy'],
        ['rejected', 8, 'VALUE_NOT_MAPPED', 'product_code "XYZ" is none of CHK, SAV, MMA, CD'],
        ['rejected', 8, 'MONEY_INVALID', 'opening_deposit "1.250,00" is no amount such as 1,234.50'],
        ['rejected', 5, 'KEY_MISSING', 'key column "application_id": found nothing'],
        ['rejected', 4, 'COLUMN_COUNT', 'the row has 5 columns, the header 12'],
        ['rejected', 3, 'KEY_SCIENTIFIC', 'key column "application_id": found "1.23E+14"'],
      ],
    }),
    fileAccount({
      name: 'account-openings-20261121.csv',
      shares: [
        ['duplicate', 140, 'DUPLICATE', 'delivered before from account-openings-20261120.csv'],
        ['delivered', 58, '', ''],
        ['conflict', 2, 'CONFLICT', 'owned by line 1061 of account-openings-20261120.csv with other content'],
        ['rejected', 2, 'TIME_INVALID', 'opened_on "11/21/26" is no date of the form MM/dd/yyyy'],
      ],
    }),
  ]);
}

/** Everything at once: long and hostile names, five currencies, right-to-left text, a file that does not balance. */
export function uglyRun(): RunAccount {
  const long = `Kontoeröffnungen_${'sehr-langer-Name_'.repeat(12)}2026-11-20 (Kopie 3) FINAL.csv`;
  const broken = fileAccount({ name: 'lost-one.csv', shares: [['delivered', 499, '', '']] });
  broken.counts.read = 500;
  broken.balanced = false;
  broken.imbalance = 'read 500, but outcomes + open = 499: 1 row unaccounted for';
  const files = [
    fileAccount({
      name: long,
      events: ['account_opened', 'account_funded', 'a_very_long_event_name_that_nobody_shortened_in_time'],
      currencies: ['USD', 'EUR', 'CAD', 'JPY', 'KWD'],
      shares: [
        ['delivered', 4_102, '', ''],
        ['rejected', 3, 'KEY_MISSING', 'key column "application_id": found nothing'],
        ['rejected', 212, `PROVIDER_${SCRIPT}`, `Extole said "${SCRIPT}" for jane.doe@example.com`],
        ['failed', 17, 'HTTP_503', 'the destination answered 503 five times'],
        ['held', 4, 'DELIVERY_UNKNOWN', 'no clear answer; verify-dedupe has not been run'],
        ['open', 256, '', ''],
      ],
    }),
    fileAccount({
      name: `${SCRIPT}.csv`,
      shares: [['rejected', 40, 'EMAIL_INVALID', `email "${'ü'.repeat(300)}" is none`]],
    }),
    fileAccount({ name: 'פתיחת חשבון \u202Evsc.exe طلبات.csv', shares: [['delivered', 3, '', '']] }),
    broken,
    refusedFile('a\nb\u001b[2J.csv', { code: 'ENCODING', message: SCRIPT, hint: `${SCRIPT} ${'x'.repeat(400)}` }),
    refusedFile(
      'half-rejected.csv',
      { code: 'TOO_MANY_REJECTED', message: '812 of 1,000 rows were rejected.' },
      'held',
    ),
    ...Array.from({ length: 34 }, (_, i) =>
      fileAccount({
        name: `shipments-${i}.csv`,
        shares: [
          ['delivered', 10 * i + 1, '', ''],
          ['duplicate', 3, 'DUPLICATE', 'x'],
        ],
      }),
    ),
  ];
  return runAccount(files, {
    job: 'öffnungen & <b>more</b>',
    carriedIn: 12,
    halted: { code: 'HTTP_401', reason: 'api.extole.io answered 401 twice, the second time with the token read anew' },
    notices: [{ code: 'NAME_SKIPPED', message: SCRIPT }],
  });
}
