import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseEmail, parsePhone } from '../../src/mapping/contact.ts';
import { formatDuration, parseDuration } from '../../src/mapping/duration.ts';
import { checkKey } from '../../src/mapping/key.ts';
import { compileAmount, MONEY_LOCALES, type MoneyLocale } from '../../src/mapping/money.ts';
import { looksLikePan } from '../../src/mapping/pan.ts';
import { cleanText, found } from '../../src/mapping/text.ts';
import { cpuMs } from './processor-time.ts';

function codeOf(key: string | undefined): string {
  const verdict = checkKey(key, 'id');
  return verdict.ok ? verdict.key : verdict.code;
}

describe('keys', () => {
  test('stay what they are: leading zeros, long numbers, letters and case survive', () => {
    for (const key of ['007', '9007199254740993', '1E5', 'abc', 'ABC', '1e+', '12E3456', '0', 'x'.repeat(38)]) {
      expect(codeOf(key)).toBe(key);
    }
  });

  test('lose blanks at both ends, and are composed', () => {
    expect(codeOf(' \u00a0A 1\t')).toBe('A 1');
    expect(codeOf('Cafe\u0301')).toBe('Caf\u00e9');
  });

  test('are counted in characters, not in UTF-16 units or bytes', () => {
    expect(codeOf('😀'.repeat(38))).toBe('😀'.repeat(38));
    expect(codeOf('😀'.repeat(39))).toBe('KEY_TOO_LONG');
    expect(codeOf('x'.repeat(39))).toBe('KEY_TOO_LONG');
  });

  test('are refused with a code each', () => {
    expect([undefined, '', '   ', '\t'].map(codeOf)).toEqual(Array(4).fill('KEY_MISSING'));
    expect(['1.23E+14', '1,23e+14', '1E+14', '-1.2E15', '1.23E14'].map(codeOf)).toEqual(
      Array(5).fill('KEY_SCIENTIFIC'),
    );
    expect(['null', 'NULL', 'N/A', '#N/A', '-', 'undefined', 'None'].map(codeOf)).toEqual(
      Array(7).fill('KEY_PLACEHOLDER'),
    );
    expect(['a\u0000b', 'a\nb', 'a\u200bb', 'a\u202eb', 'a\u2028b', '\ud800x'].map(codeOf)).toEqual(
      Array(6).fill('KEY_CONTROL_CHARS'),
    );
  });

  test('say the column, what was found and what is allowed', () => {
    const verdict = checkKey('1.23E+14', 'order_no');
    expect(verdict).toEqual({
      ok: false,
      code: 'KEY_SCIENTIFIC',
      reason: 'key column "order_no": found "1.23E+14"; a spreadsheet has rounded the id: export the column as text',
    });
  });
});

describe('amounts', () => {
  const read = (text: string, locale: MoneyLocale = 'plain', currency = 'USD', negative = false) =>
    compileAmount({ locale, negative })(text, currency)?.text;

  test('are read in the declared notation only', () => {
    expect(read('1234.50')).toBe('1234.50');
    expect(read('1,234.50', 'en')).toBe('1234.50');
    expect(read('1.234,50', 'de')).toBe('1234.50');
    expect(read('1 234,50', 'fr')).toBe('1234.50');
    expect(read('1\u202f234\u202f567,5', 'fr')).toBe('1234567.50');
    expect(read("1'234.50", 'ch')).toBe('1234.50');
    expect(read('1.234,50', 'en')).toBeUndefined();
    expect(read('1,234.50', 'de')).toBeUndefined();
    expect(read('1,234.50')).toBeUndefined();
    expect(read('1.234', 'de')).toBe('1234.00');
    expect(read('1.234', 'en')).toBeUndefined();
    expect(read("1'234’567.00", 'ch')).toBeUndefined();
  });

  test('of odd groups, signs, exponents and words are refused', () => {
    const odd = [
      '',
      '.',
      '.5',
      '5.',
      '12,34.50',
      '1,2345',
      '1234,567',
      ',123',
      '1,,234',
      '(5)',
      '-5',
      '+5',
      '1e9',
      'NaN',
      'Infinity',
      '0x10',
      '1 000',
      '١٢٣',
      '1,234,56.00',
      '1.2.3',
    ];
    expect(odd.filter((text) => read(text, 'en') !== undefined)).toEqual([]);
  });

  test('may carry the sign or code of their own currency, no other', () => {
    expect(read('$1,250.00', 'en')).toBe('1250.00');
    expect(read('USD 5', 'en')).toBe('5.00');
    expect(read('5,00 €', 'de', 'EUR')).toBe('5.00');
    expect(read('€5', 'en', 'USD')).toBeUndefined();
    expect(read('$5', 'plain')).toBeUndefined();
  });

  test('have the decimals of their currency, and further zeros', () => {
    expect(read('25.2')).toBe('25.20');
    expect(read('25.200')).toBe('25.20');
    expect(read('25.201')).toBeUndefined();
    expect(read('500', 'plain', 'JPY')).toBe('500');
    expect(read('500.0', 'plain', 'JPY')).toBe('500');
    expect(read('500.5', 'plain', 'JPY')).toBeUndefined();
    expect(read('1.234', 'plain', 'KWD')).toBe('1.234');
  });

  test('below zero need the setting, and minus zero is zero', () => {
    expect(read('-5.00', 'plain', 'USD', true)).toBe('-5.00');
    expect(read('-0.00', 'plain', 'USD', true)).toBe('0.00');
  });

  test('are exact in every notation, up to 15 digits', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 99_999_999_999_999_999n }),
        fc.constantFrom<MoneyLocale>('plain', 'en', 'de', 'fr', 'ch'),
        fc.boolean(),
        (cents, locale, grouped) => {
          const { group, decimal } = MONEY_LOCALES[locale];
          const whole = `${cents / 100n}`;
          const fraction = `${cents % 100n}`.padStart(2, '0');
          const written = grouped ? whole.replace(/\B(?=(\d{3})+$)/g, group[0] ?? '') : whole;
          const amount = compileAmount({ locale, negative: false })(`${written}${decimal}${fraction}`, 'USD');
          expect(amount).toEqual({ units: cents * 100n, text: `${whole}.${fraction}` });
        },
      ),
    );
  });
});

describe('e-mail addresses', () => {
  test('are lower-cased and otherwise kept', () => {
    expect(parseEmail('Jane.Roe+x@Example.COM')).toBe('jane.roe+x@example.com');
    expect(parseEmail("o'neil@mail.example.co.uk")).toBe("o'neil@mail.example.co.uk");
    expect(parseEmail('zoë@bücher.example')).toBe('zoë@bücher.example');
    expect(parseEmail('a@xn--bcher-kva.example')).toBe('a@xn--bcher-kva.example');
  });

  test('that are not exactly one address are refused', () => {
    const wrong = [
      'x',
      '@',
      'x@',
      '@y.com',
      'x@y',
      'x y@z.com',
      '<x@y.com>',
      'x@y.com;z@y.com',
      'x@y.com, z@y.com',
      'x@@y.com',
      'x@y..com',
      'x@-y.com',
      'N/A',
      'x@y.com.',
      '"x"@y.com',
      'mailto:x@y.com',
      'x@[1.2.3.4]',
    ];
    expect(wrong.filter((text) => parseEmail(text) !== undefined)).toEqual([]);
  });

  test('cost little time even where they are built to cost much', () => {
    for (const text of [`${'a-'.repeat(120)}@${'b-'.repeat(120)}`, `x@${'a.'.repeat(120)}`, `${'a'.repeat(255)}@`])
      expect(cpuMs(() => parseEmail(text))).toBeLessThan(70);
  });
});

test('telephone numbers become + and digits, with the declared calling code', () => {
  expect(
    ['(212) 555-0143', '212-555-0143', '+1 212 555 0143', '1.212.555.0143'].map((text) => parsePhone(text, '1')),
  ).toEqual(Array(4).fill('+12125550143'));
  expect(parsePhone('0044 20 7946 0958', undefined)).toBe('+442079460958');
  expect(parsePhone('020 7946 0958', '44')).toBe('+442079460958');
  expect(['12345', '555-0143', '212-555-014x', '+', '', '112-555-0143'].map((text) => parsePhone(text, '1'))).toEqual(
    Array(6).fill(undefined),
  );
  expect(parsePhone('212 555 0143', undefined)).toBeUndefined();
});

test('I45: card and social security numbers are recognised, order numbers are not', () => {
  for (const text of [
    '4111111111111111',
    'card 4111 1111 1111 1111 ok',
    '5500-0000-0000-0004',
    '378282246310005',
    '123-45-6789',
    '4111 1111 1111 1111 123',
    '4111 1111 1111 1111 12/27',
    '2026-11-20 4111111111111111',
    '1 4111111111111111',
    '4111.1111.1111.1111',
    '4111\u00a01111\u00a01111\u00a01111',
    '123 45 6789',
  ]) {
    expect(looksLikePan(text)).toBe(true);
  }
  for (const text of [
    '4111111111111112',
    '9007199254740993',
    '2026-11-20',
    '100000000000000123',
    '000-12-3456',
    '20261120140322',
    '2026-11-20 14:03:22.123',
    '+1 212 555 0143 +1 212 555 0144',
    '',
    '1234',
  ]) {
    expect(looksLikePan(text)).toBe(false);
  }
});

test('control characters and halves of characters make a text unclean', () => {
  expect(cleanText('Zoe\u0308 "x"\ty')).toBe('Zoë "x"\ty');
  expect(['a\u0000', 'a\u001b[2J', '\ud800', 'a\u007f'].map(cleanText)).toEqual(Array(4).fill(undefined));
});

test('an error shows no e-mail address, no long number, and no raw control character', () => {
  expect(found('jane@example.com')).toBe('a value of 16 characters (not shown)');
  expect(found('4111 1111 1111 1111')).toContain('not shown');
  expect(found('a\u001b[2J\u202e')).toBe('"a\\u001b[2J\\u202e"');
  expect(found('x'.repeat(100))).toBe(`"${'x'.repeat(40)}…"`);
});

test('lengths of time are a number and a unit', () => {
  expect(['250ms', '60s', '5m', '2h', '7d', '1w'].map(parseDuration)).toEqual([
    250, 60_000, 300_000, 7_200_000, 604_800_000, 604_800_000,
  ]);
  expect(['', '5', 'd', '-1d', '1.5h', '1 year'].map(parseDuration)).toEqual(Array(6).fill(undefined));
  expect([31_536_000_000, 90_000, 1500].map(formatDuration)).toEqual(['365d', '90s', '1500ms']);
});
