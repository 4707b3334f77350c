import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLog, realIo } from '../../src/io.ts';
import {
  type CameBy,
  type LinkBook,
  type LinkPlace,
  openLinkBook,
  removeLinks,
  type TellLink,
} from '../../src/ledger/links.ts';
import { linksInOrder, linksStand } from '../../src/ledger/list-links.ts';
import { type Ledger, openLedger } from '../../src/ledger/open.ts';
import { destinationId } from '../../src/ledger/registry.ts';

describe('the ledger of links', () => {
  let folder: string;
  let ledger: Ledger;
  let place: LinkPlace;
  let book: LinkBook;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'referry-links-'));
    ledger = await openLedger(join(folder, 'ledger.sqlite'), 'command', realIo(createLog('silent')));
    const id = destinationId(ledger, { provider: 'extole', account: 'acme', container: 'production' });
    place = { destinationId: id, label: 'refer' };
    book = openLinkBook(ledger, place);
  });
  afterEach(async () => {
    await ledger.close();
    rmSync(folder, { recursive: true });
  });
  const tell = (link: string, more: Partial<TellLink>): TellLink => ({
    link: `https://share.example/${link}`,
    code: link,
    cameBy: 'created',
    asOf: 1000,
    ...more,
  });
  const latestSeq = (): number => linksStand(ledger, place).seq;
  const all = (): (readonly (string | null)[])[] =>
    [...linksInOrder(ledger, place)].map(({ person, email, partnerUserId, code }) => [
      person,
      email,
      partnerUserId,
      code,
    ]);

  it('a link that is told twice is one row, and nothing has changed', () => {
    const ana = tell('ana', { email: ' Ana@Example.com ', partnerUserId: '7', personId: 'P1' });
    expect(book.record([ana], 1)).toEqual(['new']);
    const seq = latestSeq();
    expect(book.record([ana, { ...ana, cameBy: 'webhook', asOf: 2000 }], 2)).toEqual(['same', 'same']);
    expect(latestSeq()).toBe(seq);
    expect(all()).toEqual([['ana@example.com', 'ana@example.com', '7', 'ana']]);
    expect(book.find({ email: 'ANA@example.com' })).toMatchObject({ cameBy: 'created', personId: 'P1', seenAt: 2 });
  });

  it('a changed link is told to those who ask for changes, and one that is older than what is known is not taken', () => {
    book.record([tell('ana', { email: 'ana@example.com' }), tell('bo', { email: 'bo@example.com' })], 1);
    const seq = latestSeq();
    const later = tell('ana-2', { email: 'ana@example.com', cameBy: 'webhook', asOf: 3000 });
    expect(book.record([later], 2)).toEqual(['changed']);
    expect(book.record([tell('ana-1', { email: 'ana@example.com', cameBy: 'webhook', asOf: 2000 })], 3)).toEqual([
      'older',
    ]);
    expect([...linksInOrder(ledger, place, 'person', seq)].map(({ code }) => code)).toEqual(['ana-2']);
  });

  it('a person known by an id alone who turns out to have an e-mail stays one row', () => {
    book.record([tell('ana', { partnerUserId: '7', personId: 'P1' })], 1);
    expect(book.record([tell('ana', { email: 'ana@example.com', partnerUserId: '7', personId: 'P1' })], 2)).toEqual([
      'changed',
    ]);
    expect(all()).toEqual([['ana@example.com', 'ana@example.com', '7', 'ana']]);
    expect(book.record([tell('ana', { partnerUserId: '7' })], 3)).toEqual(['same']);
    expect(book.find({ partnerUserId: '7' })?.person).toBe('ana@example.com');
  });

  it('two rows that turn out to be one person become one', () => {
    book.record([tell('ana', { email: 'ana@example.com' }), tell('ana', { partnerUserId: '7' })], 1);
    expect(linksStand(ledger, place).count).toBe(2);
    book.record([tell('ana', { email: 'ana@example.com', partnerUserId: '7', personId: 'P1' })], 2);
    expect(all()).toEqual([['ana@example.com', 'ana@example.com', '7', 'ana']]);
  });

  it('people with e-mails of their own stay apart, even where they share an id', () => {
    book.record([tell('ana', { email: 'a@example.com', partnerUserId: '7' })], 1);
    book.record([tell('bo', { email: 'b@example.com', partnerUserId: '7' })], 2);
    expect(all().map(([person]) => person)).toEqual(['a@example.com', 'b@example.com']);
  });

  it('a link of nobody that we know is not kept; one of a person whose Extole id we know is', () => {
    expect(book.record([tell('x', { personId: 'P9' })], 1)).toEqual(['unidentified']);
    book.record([tell('ana', { email: 'a@example.com', personId: 'P9' })], 1);
    expect(book.record([tell('ana-2', { personId: 'P9', asOf: 2000 })], 1)).toEqual(['changed']);
    expect(all()).toEqual([['a@example.com', 'a@example.com', null, 'ana-2']]);
  });

  it('links of another label or account are not touched, whatever its capital letters', () => {
    const other = openLinkBook(ledger, { ...place, label: 'Gift' });
    book.record([tell('ana', { email: 'a@example.com' })], 1);
    other.record([tell('gift', { email: 'a@example.com' })], 1);
    expect(book.find({ email: 'a@example.com' })?.code).toBe('ana');
    expect(linksStand(ledger, { ...place, label: 'GIFT' }).count).toBe(1);
  });

  it('thousands are listed in order, all of them and once each, by e-mail or by id, also while others are written', () => {
    const ids = Array.from({ length: 2500 }, (_, i) => `${(i * 7919) % 2500}`.padStart(5, '0'));
    book.record(
      ids.map((id) => tell(id, { email: `p${id}@example.com`, partnerUserId: id, personId: id })),
      1,
    );
    book.record([tell('only', { partnerUserId: 'q' })], 1);
    const seen: string[] = [];
    for (const { person } of linksInOrder(ledger, place)) {
      if (seen.length === 1200) book.record([tell('new', { email: 'p00000a@example.com' })], 2);
      seen.push(person);
    }
    expect(seen).toEqual([...ids.sort().map((id) => `p${id}@example.com`), 'q']);
    expect([...linksInOrder(ledger, place, 'partnerUserId')].map(({ partnerUserId }) => partnerUserId)).toEqual([
      ...ids,
      'q',
    ]);
    expect([...linksInOrder(ledger, place, 'email')]).toHaveLength(2501);
  });

  it('the number of a removed link does not come again', () => {
    book.record([tell('ana', { email: 'a@example.com' })], 1);
    const seq = latestSeq();
    const ana = book.find({ email: 'a@example.com' });
    expect(removeLinks(ledger, [ana?.id ?? 0])).toBe(1);
    book.record([tell('bo', { email: 'b@example.com' })], 1);
    expect(book.find({ email: 'b@example.com' })?.seq).toBe(seq + 1);
    expect(book.find({ email: 'b@example.com' })?.id).not.toBe(ana?.id);
  });

  it('an address that is also an id is one person', () => {
    book.record([tell('ana', { email: 'ana@example.com' })], 1);
    expect(book.record([tell('ana', { partnerUserId: 'ana@example.com' })], 2)).toEqual(['changed']);
    book.record([tell('bo', { partnerUserId: 'bo@example.com' })], 3);
    expect(book.record([tell('bo', { email: 'bo@example.com' })], 4)).toEqual(['changed']);
    expect(all()).toEqual([
      ['ana@example.com', 'ana@example.com', 'ana@example.com', 'ana'],
      ['bo@example.com', 'bo@example.com', 'bo@example.com', 'bo'],
    ]);
  });

  it('whatever is told of people in whatever order, nobody who was told is lost, and each telling again changes nothing', () => {
    const someone = fc.record({
      email: fc.option(fc.constantFrom('a@x.com', 'b@x.com', 'c@x.com'), { nil: undefined }),
      partnerUserId: fc.option(fc.constantFrom('1', '2', 'a@x.com'), { nil: undefined }),
      personId: fc.option(fc.constantFrom('P1', 'P2', 'P3'), { nil: undefined }),
      link: fc.constantFrom('https://s.example/1', 'https://s.example/2'),
      code: fc.constantFrom('', '1', '2'),
      cameBy: fc.constantFrom<CameBy>('created', 'adopted', 'webhook', 'report'),
      asOf: fc.integer({ min: 0, max: 5 }),
    });
    let n = 0;
    fc.assert(
      fc.property(fc.array(someone, { maxLength: 12 }), (tellings) => {
        const at = { ...place, label: `l${n++}` };
        const own = openLinkBook(ledger, at);
        for (const telling of tellings) {
          const before = linksStand(ledger, at).seq;
          const [end] = own.record([telling], 1);
          expect(linksStand(ledger, at).seq > before).toBe(end === 'new' || end === 'changed');
          if (telling.email !== undefined || telling.partnerUserId !== undefined)
            expect(own.find(telling)).toBeDefined();
          expect(['same', 'older', 'unidentified']).toContain(own.record([telling], 1)[0]);
        }
        for (const { email } of tellings) if (email !== undefined) expect(own.find({ email })).toBeDefined();
      }),
      { numRuns: 60 },
    );
  });
});
