import { expect, test } from 'vitest';
import { linkRowOf } from '../../src/destinations/extole/links/report-rows.ts';
import { reportSettings } from '../../src/destinations/extole/links/report-settings.ts';

const settings = reportSettings.parse({
  type: 'SHAREABLES',
  linkPrefix: 'https://share.example.com/',
  columns: { code: 'code', email: 'email', partnerUserId: 'partner', personId: 'person', label: 'label', key: 'key' },
});

const rowOf = (values: Record<string, string>) => {
  const columns = ['code', 'email', 'partner', 'person', 'label', 'key'];
  return linkRowOf({ columns }, new Map(Object.entries({ code: 'ann1', ...values })), settings);
};
const link = { code: 'ann1', link: 'https://share.example.com/ann1' };

test('identifiers in a report of links are as long as they can be', () => {
  const email = `${'a'.repeat(244)}@example.com`;
  expect(rowOf({ email, partner: 'p'.repeat(255) })).toEqual({ ...link, email, partnerUserId: 'p'.repeat(255) });
});

test('a row with an identifier that is too long, or has control characters, is nobody’s', () => {
  expect(rowOf({ email: `${'a'.repeat(245)}@example.com`, partner: 'C-1' })).toEqual(link);
  expect(rowOf({ email: 'ann@example.com', partner: 'p'.repeat(256) })).toEqual(link);
  for (const wrong of ['C-1\nC-2', 'C-1\u0000', 'C\r1', 'C\u007f1'])
    for (const name of ['email', 'partner', 'person', 'label', 'key'])
      expect(rowOf({ email: 'ann@example.com', partner: 'C-1', [name]: wrong }), name).toEqual(link);
});
