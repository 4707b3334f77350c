import { describe, expect, it } from 'vitest';
import { FAULTS } from '../faults/matrix/faults.ts';
import { filesWithIds, idsOf, matrixOf } from '../faults/matrix/found.ts';

describe('the fault matrix', () => {
  const tested = new Set([...filesWithIds().values()].flat());

  it('has a test or a reason for each of its 162 faults', () => {
    expect(FAULTS).toHaveLength(162);
    expect(FAULTS.filter(({ id, absent }) => !tested.has(id) && !absent).map(({ id }) => id)).toEqual([]);
  });

  it('gives no reason for the absence of a test that exists', () => {
    expect(FAULTS.filter(({ id, absent }) => tested.has(id) && absent).map(({ id }) => id)).toEqual([]);
  });

  it('knows each id that a test carries', () => {
    const known = new Set(FAULTS.map(({ id }) => id));
    expect([...tested].filter((id) => !known.has(id))).toEqual([]);
  });

  it('reads the ids in front of a title, and nothing else', () => {
    expect(idsOf('H02, H24: a queue that is full')).toEqual(['H02', 'H24']);
    expect(idsOf('a run after N01: goes on')).toEqual([]);
    expect(idsOf('N1: short')).toEqual([]);
  });

  it('says that a fault failed when one of its tests did, and passed only when none of them was skipped', () => {
    const rows = matrixOf([
      { title: 'N01: one', status: 'passed' },
      { title: 'N01, N02: two', status: 'failed' },
      { title: 'N03: three', status: 'skipped' },
      { title: 'N04: four', status: 'passed' },
      { title: 'N06: six', status: 'passed' },
      {
        title: 'N06: also six',
        fullName: 'OpenSSH (skipped: no sshd (apt-get install openssh-server)) N06: also six',
        status: 'skipped',
      },
    ]);
    const status = new Map(rows.map((row) => [row.id, row.status]));
    expect(['N01', 'N02', 'N03', 'N04', 'N05', 'N06'].map((id) => status.get(id))).toEqual([
      'failed',
      'failed',
      'skipped',
      'passed',
      'missing',
      'partly',
    ]);
    expect(rows.find(({ id }) => id === 'N06')?.why).toBe(
      '1 of 2 ran, 1 skipped: no sshd (apt-get install openssh-server)',
    );
  });
});
