import { describe, expect, test } from 'vitest';
import { uploadSettings } from '../../src/destinations/extole/upload-settings.ts';
import { type Layout, layoutOf, readingOf, verdictOf } from '../../src/pipelines/files/by-file/layout.ts';

const OURS = ['event_name', 'event_time', 'email', 'partner_conversion_id'];
const { results: SETTINGS } = uploadSettings.parse({});

function layout(header: readonly string[]): Layout {
  const found = layoutOf(header, OURS, 'partner_conversion_id');
  if (!found) throw new Error('the header is not understood');
  return found;
}

/** Which column says it, by its name; and what it says of each value. */
function told(
  extras: readonly string[],
  lines: readonly (readonly string[])[],
  settings: object = {},
): string[] | undefined {
  const place = layout([...extras, ...OURS]);
  const values = new Map(
    place.extras.map(({ at }) => [at, new Set(lines.map((line) => (line[at] ?? '').toLowerCase()))]),
  );
  const reading = readingOf(place, values, uploadSettings.parse({ results: settings }).results);
  return (
    reading &&
    lines.map((line) => {
      const verdict = verdictOf([...line, '', '', '', ''], reading);
      return verdict.kind === 'failure' ? `${verdict.code}: ${verdict.message}` : verdict.kind;
    })
  );
}

describe('the header of a results file', () => {
  test('added columns are told by position, also where one is called like one of ours', () => {
    expect(layout(['email', 'status', ...OURS])).toMatchObject({
      key: 5,
      eventName: 2,
      suffix: true,
      extras: [
        { at: 0, name: 'email' },
        { at: 1, name: 'status' },
      ],
    });
  });

  test('and by name where ours are in another order', () => {
    expect(layout(['partner_conversion_id', 'Email', 'result', 'event_time', 'event_name'])).toMatchObject({
      key: 0,
      eventName: 4,
      suffix: false,
      extras: [{ at: 2, name: 'result' }],
    });
  });

  test.each([
    [['status', 'message']],
    [['status', 'event_name', 'event_time', 'email']],
    [['email', 'email', 'event_name', 'event_time', 'partner_conversion_id', 'x']],
  ])('%j does not carry our columns, each once', (header) => {
    expect(layoutOf(header, OURS, 'partner_conversion_id')).toBeUndefined();
  });
});

describe('what a line says', () => {
  test.each<[string[], string[][], string[]]>([
    [
      ['status', 'message'],
      [
        ['SUCCESS', ''],
        ['FAILURE', 'event_blocked: no'],
      ],
      ['success', 'event_blocked: event_blocked: no'],
    ],
    [
      ['Result', 'Error Message', 'Row'],
      [
        ['Success', '', '1'],
        ['Error', 'Not allowed', '2'],
      ],
      ['success', 'EXTOLE_ROW_FAILED: Not allowed'],
    ],
    [['success'], [['true'], ['false']], ['success', 'EXTOLE_ROW_FAILED: ']],
    [
      ['failed', 'reason'],
      [
        ['false', ''],
        ['true', 'bad'],
      ],
      ['success', 'EXTOLE_ROW_FAILED: bad'],
    ],
    [
      ['row', 'outcome', 'error_code', 'detail'],
      [
        ['1', 'ok', '', ''],
        ['2', 'rejected', 'missing_email', 'no e-mail'],
      ],
      ['success', 'missing_email: no e-mail'],
    ],
  ])('%j: %j', (extras, lines, expected) => {
    expect(told(extras, lines)).toEqual(expected);
  });

  test.each<[string, string[], string[][]]>([
    ['yes and no under a name that does not say of what', ['flag'], [['true'], ['false']]],
    ['words that are not known', ['status'], [['maybe'], ['success']]],
    ['two columns that could be it', ['state_a', 'state_b'], [['ok', 'failed']]],
    ['a message alone, whose absence might mean success', ['message'], [[''], ['bad']]],
    ['nothing added', [], [[]]],
    ['a number', ['count'], [['1'], ['0']]],
  ])('nothing is guessed from %s', (_, extras, lines) => {
    expect(told(extras, lines)).toBeUndefined();
  });

  test('the job may name the column, and the words', () => {
    const lines = [
      ['fine', 'x'],
      ['bad', 'why'],
      ['odd', ''],
    ];
    expect(
      told(['verdict', 'note'], lines, {
        statusColumn: 'Verdict',
        success: ['fine'],
        failure: ['bad'],
        messageColumn: 'note',
      }),
    ).toEqual(['success', 'EXTOLE_ROW_FAILED: why', 'unclear']);
    expect(SETTINGS.statusColumn).toBeUndefined();
  });
});
