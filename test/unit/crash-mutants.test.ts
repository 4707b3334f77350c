import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { editProblem } from '../crash/mutants/mutant.ts';
import { allMutants, ROOT } from '../crash/mutants/tree.ts';

describe('the deliberate bugs that the crash harness has to find', async () => {
  const mutants = await allMutants();

  it('are sixteen, and no two say the same', () => {
    expect(mutants.size).toBe(16);
    expect(new Set([...mutants.values()].map(({ title }) => title)).size).toBe(16);
  });

  it.each([...mutants])('%s can still be made: its texts occur once, and it changes them', (_, { edits }) => {
    for (const edit of edits) {
      expect(editProblem(readFileSync(join(ROOT, edit.file), 'utf8'), edit)).toBeUndefined();
      expect(edit.replacement).not.toBe(edit.text);
    }
  });

  it.each([...mutants])('%s is looked for in a place that exists', (_, { foundBy }) => {
    const place = 'check' in foundBy ? `checks/${foundBy.check}` : `scenarios/${foundBy.scenario}`;
    expect(existsSync(join(ROOT, 'test/crash', `${place}.ts`)), place).toBe(true);
  });
});
