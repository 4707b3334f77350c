import { describe, expect, it } from 'vitest';
import { withoutPerson } from '../../src/destinations/extole/classify.ts';
import { withoutProfile } from '../../src/destinations/words.ts';
import type { Answer } from '../../src/model.ts';

const saying = (reason: string): Answer => ({ kind: 'rejected', code: 'no', reason });

describe('what a provider repeats of a person', () => {
  it('goes whole, also where one value is part of another, or stands in another case', () => {
    const data = { first_name: 'Ana', last_name: 'Ana-Diaz', email: 'ana.diaz@private.example', product: 'checking' };
    expect(withoutPerson(saying('ANA-DIAZ (ana, Ana.Diaz@Private.example) has checking'), { data })).toEqual(
      saying('(not shown) ((not shown), (not shown)) has checking'),
    );
  });

  it('leaves no trace of itself: words that stand in our own mark, or mean something to a pattern', () => {
    const fields = { first: 'not', last: 'shown', odd: 'a(b|c)*\\', long: 'x'.repeat(100_000) };
    expect(withoutProfile(saying('not a(b|c)*\\ but shown'), { fields })).toEqual(
      saying('(not shown) (not shown) but (not shown)'),
    );
  });

  it('is told as it is where nobody stands in it', () => {
    const answer = saying('the event has no name');
    expect(withoutProfile(answer, { userId: 'U1', fields: {} })).toBe(answer);
  });
});
