import { describe, expect, it } from 'vitest';
import { memberRows } from '../../src/mapping/member-settings.ts';
import { heldCode } from '../../src/pipelines/files/held-part.ts';
import { calledBefore, calledByHand, inOrder } from '../../src/pipelines/files/inbox.ts';
import { type HoldReason, heldInPart } from '../../src/pipelines/sync-segment/guards.ts';
import { missingSegments } from '../../src/pipelines/sync-segment/missing.ts';

const why = (code: string, message: string): HoldReason => ({ code, message, hint: `look at ${code}` });
const SHRINKS = why('SEGMENT_SHRINKS', 'a would lose 5 of 10');
const GROWS = why('SEGMENT_GROWS', 'b would get 9 more than 10');

describe('what is held of a file in part', () => {
  it('has the code of its first segment, and each row that of its own', () => {
    const held = heldInPart(
      [
        ['a', SHRINKS],
        ['b', GROWS],
      ],
      1,
      null,
    );
    expect(held).toMatchObject({ code: 'SEGMENT_SHRINKS', segments: { a: 'SEGMENT_SHRINKS', b: 'SEGMENT_GROWS' } });
    expect(held.message).toBe(
      'a would lose 5 of 10; b would get 9 more than 10; the other segment of the file goes on',
    );
    expect([heldCode(held, 'b'), heldCode(held, 'c'), heldCode(held, 'toString')]).toEqual([
      'SEGMENT_GROWS',
      undefined,
      undefined,
    ]);
  });

  it('grows by what a later run holds of it', () => {
    const before = heldInPart([['a', SHRINKS]], 2, null);
    const held = heldInPart([['b', GROWS]], 1, before);
    expect(held.segments).toEqual({ a: 'SEGMENT_SHRINKS', b: 'SEGMENT_GROWS' });
    expect(held.code).toBe('SEGMENT_SHRINKS');
    expect(held.message).toContain('9 more than 10');
  });

  it('names the first five of many', () => {
    const many = Array.from({ length: 9 }, (_, i): [string, HoldReason] => [
      `s${i}`,
      why('SEGMENT_EMPTY', `s${i} is empty`),
    ]);
    expect(heldInPart(many, 3, null).message).toBe(
      's0 is empty; s1 is empty; s2 is empty; s3 is empty; s4 is empty; and 4 more segments of the file',
    );
  });

  it('is all of a file that is held as a whole', () => {
    expect(heldCode({ code: 'TRAILER_COUNT' }, 'a')).toBe('TRAILER_COUNT');
  });
});

const rows = (more: object): ReturnType<typeof memberRows.parse> =>
  memberRows.parse({
    ...{ members: true, kind: 'snapshot', idKind: 'userId' },
    key: { from: 'id', unwrapExcel: false, scientific: 'accept', rounded: 'accept', width: 'accept' },
    ...more,
  });

describe('segments that a file has no row of', () => {
  const find = (name: string) => ({
    ...{ id: 1, destinationId: 1, name, job: 'j', idKind: 'userId', targetId: 'x', targetName: name },
    ...{ members: 3, since: 0, syncedAt: 1 },
  });
  const named = { nameFrom: 'column', nameColumn: 'segment', allowedNames: ['a', 'b', 'new'] };

  it('are those that the job knows of, and that have been synced before', () => {
    const known = (name: string) => (name === 'new' ? undefined : find(name));
    expect(missingSegments(rows(named), { eventNames: ['', 'a'] }, known).map(({ name }) => name)).toEqual(['b']);
  });

  it('are none of changes, nor where the job or the name of the file says the segment', () => {
    const action = { column: 'op', add: ['a'], remove: ['r'] };
    expect(missingSegments(rows({ ...named, kind: 'changes', action }), { eventNames: [] }, find)).toEqual([]);
    expect(missingSegments(rows({ name: 'a' }), { eventNames: [] }, find)).toEqual([]);
  });
});

describe('files that come in folders', () => {
  const action = { folders: { add: 'in', remove: 'out' }, add: [], remove: [] };
  const job = { source: { inbox: 'box' }, event: rows({ kind: 'changes', name: 'a', action }) };
  const placed = (name: string, mtime: number) => ({ path: `box/${name}`, name, size: 1, mtime });

  it('go oldest first over both, and of the same time those first that remove', () => {
    const files = [placed('in/b.csv', 2), placed('in/a.csv', 2), placed('out/z.csv', 2), placed('in/c.csv', 1)];
    expect(inOrder(job, files).map(({ name }) => name)).toEqual(['in/c.csv', 'out/z.csv', 'in/a.csv', 'in/b.csv']);
  });

  it('are found again in the archive under the names that they have there', () => {
    expect(['out.vip.csv', 'in.out.csv', 'other.csv'].map((name) => calledBefore(job, name))).toEqual([
      'out/vip.csv',
      'in/out.csv',
      undefined,
    ]);
  });

  it('are called by the folder they lie in where they are given by hand', () => {
    expect(calledByHand(job, '/srv/box/out/vip.csv')).toBe('out/vip.csv');
    expect(calledByHand(job, '/tmp/vip.csv')).toBe('vip.csv');
  });
});
