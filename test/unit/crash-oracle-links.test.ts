import { expect, it } from 'vitest';
import { foretellLinks } from '../crash/oracle-links.ts';

const KNOWN = [
  { email: 'twin@people.example', profiles: 2 },
  { email: 'inside@people.example', partnerUserId: 'M-1', profiles: 1 },
];
const file = (name: string, ...lines: string[]) => ({
  name,
  text: `${['email,member,first_name,note', ...lines].join('\n')}\n`,
});

it('foretells of customers: each once whatever the letters, known by the address and else by our id, twins are held', () => {
  const first = file(
    'a.csv',
    'ana@people.example,,Ana,x',
    'ANA@people.example,M-9,Anna,y',
    ',M-1,In,x',
    'twin@people.example,,T,x',
    ',,N,x',
    'no address,M-2,N,x',
    'short@people.example,x',
  );
  const second = file('b.csv', 'bo@people.example,,Bo,x', 'Ana@people.example,,Ana,x', 'twin@people.example,,T,x');
  const { files, people } = foretellLinks([first, second], KNOWN);
  const told = (name: string): string[] =>
    (files.get(name) ?? []).map(({ line, outcome, code }) => `${line} ${outcome} ${code}`.trim());
  expect(told('a.csv')).toEqual([
    '2 delivered',
    '3 duplicate DUPLICATE_IN_FILE',
    '4 delivered',
    '5 held SEVERAL_PROFILES',
    '6 rejected IDENTITY_MISSING',
    '7 rejected EMAIL_INVALID',
    '8 rejected COLUMN_COUNT',
  ]);
  expect(told('b.csv')).toEqual(['2 delivered', '3 duplicate DUPLICATE', '4 duplicate DUPLICATE']);
  expect([...people]).toEqual([
    ['ana@people.example', 'ana@people.example'],
    ['M-1', 'inside@people.example'],
    ['bo@people.example', 'bo@people.example'],
  ]);
});
