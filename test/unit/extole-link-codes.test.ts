import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cleanCode, codesFor, isCode, suggestionsOf } from '../../src/destinations/extole/links/code.ts';
import { createCodeTries } from '../../src/destinations/extole/links/code-tries.ts';
import { httpsLink } from '../../src/destinations/extole/links/shareables.ts';

const PERSON = '6997632984129465812';

function refused(code: string, parameters: unknown = {}) {
  return { kind: 'refused', code, reason: '', http: 403, uniqueId: '', parameters } as const;
}

function tries(template: string | undefined, columns: Record<string, string>, settings: object = {}) {
  const code = { template, tries: 8, fallback: 'extole', ...settings } as const;
  return createCodeTries({ code }, PERSON, new Map(Object.entries(columns)));
}

describe('a code is cleaned to what Extole takes', () => {
  test.each([
    ['Ann0173', 'Ann0173'],
    ['José Ñandú', 'JoseNandu'],
    ["Seán O'Neill-Smith", 'SeanONeill-Smith'],
    ['Łukasz Straße Ærø', 'LukaszStrasseAero'],
    ['ﬁne', 'fine'],
    ['007', '007'],
    ['--_x', 'x'],
    ['李小龙', ''],
    ['a'.repeat(60), 'a'.repeat(50)],
  ])('%s is %s', (text, code) => {
    expect(cleanCode(text)).toBe(code);
  });

  test('every code that is tried keeps the rules, and no two are alike', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.stringMatching(/^\d{4,19}$/), (text, personId) => {
        const base = cleanCode(text);
        const codes = [...codesFor(base, personId)];
        expect(codes.filter((code) => !isCode(code))).toEqual([]);
        expect(codes.length).toBeGreaterThanOrEqual(base === '' ? 0 : 3);
      }),
    );
  });

  test('one that is taken gets a number, then the digits that only this person has; a short one is filled', () => {
    expect([...codesFor('anna', PERSON)]).toEqual([
      'anna',
      'anna2',
      'anna3',
      'anna5812',
      'anna465812',
      'anna29465812',
      'anna984129465812',
      `anna${PERSON}`,
    ]);
    expect([...codesFor('Al', PERSON)].slice(0, 4)).toEqual(['Al01', 'Al02', 'Al03', 'Al5812']);
    expect([...codesFor('anna7', PERSON)].slice(0, 3)).toEqual(['anna7', 'anna7-2', 'anna7-3']);
    const long = 'x'.repeat(50);
    expect([...codesFor(long, PERSON)].slice(0, 2)).toEqual([long, `${'x'.repeat(49)}2`]);
  });
});

describe('codes are tried', () => {
  test('first what Extole suggests, as list or text, as far as it keeps its own rules', () => {
    expect(suggestionsOf({ code_suggestions: ['ann1', 'a b', 7, 'ann22'] })).toEqual(['ann1', 'ann22']);
    expect(suggestionsOf({ code_suggestions: 'ann1, ann22' })).toEqual(['ann1', 'ann22']);
    expect(suggestionsOf({ code_suggestions: '["ann1","ann22"]' })).toEqual(['ann1', 'ann22']);
    expect(suggestionsOf(undefined)).toEqual([]);
    const codes = tries('{name}', { name: 'Anna' });
    expect(codes.first()).toEqual({ code: 'Anna' });
    expect(codes.after(refused('code_taken', { code_suggestions: ['ANNA', 'Anna1'] }))).toEqual({ code: 'Anna1' });
    expect(codes.after(refused('code_taken'))).toEqual({ code: 'Anna2' });
  });

  test('so many, then Extole chooses, or the person is rejected', () => {
    const chosen = tries('{name}', { name: 'Anna' }, { tries: 2 });
    expect([chosen.first(), chosen.after(refused('code_taken')), chosen.after(refused('code_taken'))]).toEqual([
      { code: 'Anna' },
      { code: 'Anna2' },
      { code: undefined },
    ]);
    expect(chosen.after(refused('code_taken'))).toBe('none');
    const rejected = tries('{name}', { name: 'Anna' }, { tries: 1, fallback: 'reject' });
    expect([rejected.first(), rejected.after(refused('code_taken'))]).toEqual([{ code: 'Anna' }, 'none']);
  });

  test('a word that Extole keeps for itself is not numbered, and a name without a Latin letter is none', () => {
    expect(tries('{name}', { name: 'Admin' }).after(refused('code_contains_reserved_word'))).toEqual({
      code: undefined,
    });
    expect(tries('{name}', { name: '李小龙' }).first()).toEqual({ code: undefined });
    expect(tries('{name}', { name: '李小龙' }, { fallback: 'reject' }).first()).toBe('none');
    expect(tries(undefined, {}).first()).toEqual({ code: undefined });
    expect(tries('{name}', { name: 'Anna' }).after(refused('person_not_rewardable'))).toBeUndefined();
  });
});

test.each([
  ['share.acme.example/ann', 'https://share.acme.example/ann'],
  ['//share.acme.example/ann', 'https://share.acme.example/ann'],
  ['http://share.acme.example/ann', 'https://share.acme.example/ann'],
  ['HTTPS://share.acme.example/ann', 'https://share.acme.example/ann'],
  ['https://share.acme.example/zoom?a=b&c=d', 'https://share.acme.example/zoom?a=b&c=d'],
  ['javascript:alert(1)', undefined],
  ['ftp://share.acme.example/ann', undefined],
  ['https://user:secret@share.acme.example/ann', undefined],
  ['https://', undefined],
  ['share.acme.example/a b', undefined],
  ['', undefined],
])('the link %s is %s', (text, link) => {
  expect(httpsLink(text)).toBe(link);
});
