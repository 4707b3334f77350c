import { describe, expect, it } from 'vitest';
import { createTurns, type Turns } from '../../src/schedule/turns.ts';

/** Work that ends when it is told to. */
function piece(turns: Turns, log: string[], name: string, job: string | undefined): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const taken = turns.take(job, async () => {
    log.push(`${name} begins`);
    await promise;
    log.push(`${name} ends`);
  });
  return async () => {
    resolve();
    await taken;
  };
}

describe('turns', () => {
  it('lets jobs work side by side, and a job never beside itself', async () => {
    const turns = createTurns();
    const log: string[] = [];
    const [a1, b, a2] = [piece(turns, log, 'a1', 'a'), piece(turns, log, 'b', 'b'), piece(turns, log, 'a2', 'a')];
    expect(log).toEqual(['a1 begins', 'b begins']);
    expect([turns.busy('a'), turns.busy('c')]).toEqual([true, false]);
    await b();
    await a1();
    expect(log).toEqual(['a1 begins', 'b begins', 'b ends', 'a1 ends', 'a2 begins']);
    await a2();
    expect(turns.busy('a')).toBe(false);
  });

  it('lets work for no job wait for all, and all that came later wait for it', async () => {
    const turns = createTurns();
    const log: string[] = [];
    const [a, alone, b] = [
      piece(turns, log, 'a', 'a'),
      piece(turns, log, 'alone', undefined),
      piece(turns, log, 'b', 'b'),
    ];
    expect(log).toEqual(['a begins']);
    expect(turns.busy('b')).toBe(true);
    await a();
    expect(log).toEqual(['a begins', 'a ends', 'alone begins']);
    await alone();
    await b();
    expect(log.slice(3)).toEqual(['alone ends', 'b begins', 'b ends']);
  });

  it('begins nothing once it is stopped, and waits for what is under way', async () => {
    const turns = createTurns();
    const log: string[] = [];
    const [first, second] = [piece(turns, log, 'first', 'a'), piece(turns, log, 'second', 'a')];
    const stopped = turns.stop().then(() => log.push('stopped'));
    await second();
    await first();
    await stopped;
    await piece(turns, log, 'late', 'b')();
    expect(log).toEqual(['first begins', 'first ends', 'stopped']);
  });

  it('tells work for which somebody waits, and no other, so that it can make room', async () => {
    const turns = createTurns();
    const asked: string[] = [];
    const ends: (() => void)[] = [];
    const begin = (name: string, job: string | undefined): Promise<void> =>
      turns.take(job, (pause) => {
        pause.addEventListener('abort', () => asked.push(name));
        return new Promise((resolve) => ends.push(resolve));
      });
    const all = [begin('a', 'a'), begin('b', 'b')];
    all.push(begin('a again', 'a'));
    expect(asked).toEqual(['a']);
    all.push(begin('alone', undefined));
    expect(asked).toEqual(['a', 'b']);
    while (ends.length > 0) {
      ends.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(all);
  });
});
