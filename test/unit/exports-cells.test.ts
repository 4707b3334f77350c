import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { oneLine } from '../../src/exports/columns.ts';
import { secureLink } from '../../src/exports/link.ts';
import { fileSafe } from '../../src/exports/qr-codes.ts';
import { compileTemplate, fieldsOf, templateProblem } from '../../src/exports/template.ts';

const row = { email: 'ann@example.com', partnerUserId: '007', link: 'x', code: 'ann1', fields: { first_name: 'Ann' } };

describe('a link', () => {
  test.each([
    ['share.example.com/ann1', 'https://share.example.com/ann1'],
    ['http://share.example.com/ann1', 'https://share.example.com/ann1'],
    ['HTTPS://share.example.com/ann1', 'https://share.example.com/ann1'],
    ['//share.example.com/ann1', 'https://share.example.com/ann1'],
    ['share.example.com:8443/ann1', 'https://share.example.com:8443/ann1'],
    ['https://share.example.com', 'https://share.example.com'],
    ['https://share.example.com/a?b=c+d&e=%20#f', 'https://share.example.com/a?b=c+d&e=%20#f'],
    ['share.example.com/grüße', 'https://share.example.com/gr%C3%BC%C3%9Fe'],
    ['https://Share.Example.com/Ann1', 'https://share.example.com/Ann1'],
  ])('%s becomes %s', (given, expected) => {
    expect(secureLink(given)).toBe(expected);
  });

  test.each([
    '',
    ' ',
    'ann1',
    'localhost/ann1',
    'ftp://share.example.com/ann1',
    'javascript:alert(1)',
    'mailto:ann@example.com',
    'https://ann:secret@share.example.com/ann1',
    'https://share.example.com/a b',
    'share.example.com/ann1\nnext',
    'https:///share.example.com',
    'https://https://share.example.com',
    'https:share.example.com',
    '/ann1',
    'https://share.example.com\\ann1',
    'https://share.example.com:99999/ann1',
  ])('%j is none', (given) => {
    expect(secureLink(given)).toBeUndefined();
  });

  test('that has become one stays as it is, whatever it was, and begins with https', () => {
    const web = fc.webUrl({ withFragments: true, withQueryParameters: true });
    fc.assert(
      fc.property(
        fc.oneof(
          web,
          fc.string(),
          web.map((url) => url.replace(/^https?:\/\//, '')),
        ),
        (text) => {
          const link = secureLink(text);
          if (link === undefined) return;
          expect(link).toMatch(/^https:\/\/[^\s/]+\.[^\s]+$/);
          expect(secureLink(link)).toBe(link);
          expect(new URL(link).protocol).toBe('https:');
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('a cell', () => {
  test('has no line break, whatever some reader takes for one, and keeps everything else', () => {
    expect(oneLine('a\r\nb\nc\u2028d\u0085e\u0000f\vg')).toBe('a b c d e f g');
    expect(oneLine('=1+1\t+49 "x", grüße 😄 ')).toBe('=1+1\t+49 "x", grüße 😄 ');
  });

  test('is a template with names in it', () => {
    const cell = (template: string): string => compileTemplate(template)(row, 'https://s.example.com/ann1');
    expect(cell('Hi {first_name}: {link}')).toBe('Hi Ann: https://s.example.com/ann1');
    expect(cell('{ partner_user_id }-{code}-{email}')).toBe('007-ann1-ann@example.com');
    expect(cell('{{{first_name}}}')).toBe('{Ann}');
    expect(cell('{absent}{constructor}{__proto__}')).toBe('');
    expect(cell('')).toBe('');
    expect(fieldsOf('{first_name} {link} {plan}')).toEqual(['first_name', 'plan']);
  });

  test.each(['{', '}', '{}', '{ }', 'a}b', '{a{b}}', '{a'])('the template %s is told of', (template) => {
    expect(templateProblem(template)).toContain(`"${template}"`);
  });
});

describe('the name of an image', () => {
  test('keeps what file systems take, and two names stay two', () => {
    expect(fileSafe('Ann_1-x')).toBe('Ann_1-x');
    expect(fileSafe('../../etc/passwd')).toBe('%2E.%2F..%2Fetc%2Fpasswd');
    expect(fileSafe('a:b*c?"<>|\\')).toBe('a%3Ab%2Ac%3F%22%3C%3E%7C%5C');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(fileSafe(text)).toMatch(/^[A-Za-z0-9_.@+%-]*$/);
        expect(fileSafe(text).startsWith('.')).toBe(false);
        expect(decodeURIComponent(fileSafe(text))).toBe(text.toWellFormed());
      }),
    );
  });
});

test('hostile text takes no long time', () => {
  const started = performance.now();
  for (const unit of ['a', '.a', '-', 'http://', '{a}', '{{', '\r\n', '@', ' ', '%', '\u0301', '😄']) {
    const text = unit.repeat(20_000);
    secureLink(text);
    secureLink(`https://${text}`);
    oneLine(text);
    templateProblem(text);
    fileSafe(text);
  }
  expect(performance.now() - started).toBeLessThan(10_000);
});
