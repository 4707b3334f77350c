import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskReason } from '../../src/reports/mask.ts';
import { shortened, visible } from '../../src/reports/visible.ts';

describe('a masked reason', () => {
  it.each([
    [
      'column "opened_on": found "02/30/2026"; expected MM/dd/yyyy',
      'column "opened_on": found "99/99/9999"; expected MM/dd/yyyy',
    ],
    ['key column "a \\"b\\"": found "Zoë-7"; no', 'key column "a \\"b\\"": found "Xxx-9"; no'],
    ['found "say \\"hi\\" Bob"', 'found "xxx \\"xx\\" Xxx"'],
    ['Extole said: no person jane.doe@corp.example for it', 'Extole said: no person xxxx.xxx@xxxx.xxxxxxx for it'],
    [
      'one e-mail address is needed, such as name@example.com',
      'one e-mail address is needed, such as name@example.com',
    ],
    ['call +1 (212) 555-0143 or 2125550143', 'call +9 (999) 999-9999 or 9999999999'],
    ['same as line 1124 of account-openings-20261120.csv', 'same as line 1124 of account-openings-20261120.csv'],
    ['same key as line 1234567; account 1234567', 'same key as line 1234567; account 9999999'],
    ['allowed: an amount written as 1234.50, in USD', 'allowed: an amount written as 1234.50, in USD'],
    ['allowed: 2016-11-23 to 2026-11-22', 'allowed: 2016-11-23 to 2026-11-22'],
    ["the row doesn't match the header's 12 columns", "the row doesn't match the header's 12 columns"],
    ["found 'Jane' in “Doe”", "found 'Xxxx' in “Xxx”"],
  ])('of %j is %j', (reason, masked) => {
    expect(maskReason(reason)).toBe(masked);
  });

  it('is short, however long the value', () => {
    expect(maskReason(`found "${'ü'.repeat(5_000)}"`)).toBe(`found "${'x'.repeat(48)}… (5000 characters)"`);
  });

  it('never lets a quoted value through', () => {
    const value = fc.stringMatching(/^[A-WYZa-wyz0-8@. -]{4,30}$/).filter((text) => /[A-WYZa-wyz0-8]{2}/.test(text));
    fc.assert(
      fc.property(value, value, (first, second) => {
        const masked = maskReason(`column "name": found ${JSON.stringify(first)}; then ${JSON.stringify(second)} too`);
        expect(masked.replace(/column "name": found|; then| too$/g, '')).not.toMatch(/[A-WYZa-wyz0-8]/);
      }),
    );
  });
});

describe('text from outside', () => {
  it('shows what would hide, reorder or act', () => {
    expect(visible('a\nb\u001b[2J \u202Evsc.exe\u200b')).toBe('a⟨U+000A⟩b⟨U+001B⟩[2J ⟨U+202E⟩vsc.exe⟨U+200B⟩');
    expect(visible('\ud800 lone')).toBe('⟨U+D800⟩ lone');
    expect(visible('Zoë 👩‍👩‍👧 می‌خواهم')).toBe('Zoë 👩‍👩‍👧 می‌خواهم');
  });

  it('is shortened in the middle, since names differ at their ends', () => {
    expect(shortened('account-openings-20261120.csv', 15)).toBe('account…120.csv');
    expect([...shortened('😀'.repeat(50), 11)]).toHaveLength(11);
    expect(shortened('short', 15)).toBe('short');
  });
});
