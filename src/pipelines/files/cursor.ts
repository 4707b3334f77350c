import type { IndexBlock } from './row-index.ts';

/** Walks the index in step with the rows of the file; a row that is not where the index says is an error of ours. */
export function createCursor(blocks: Generator<IndexBlock>): { next(line: number): { block: IndexBlock; i: number } } {
  let block: IndexBlock | undefined;
  let i = -1;
  return {
    next: (line) => {
      i++;
      if (!block || i >= block.count) {
        block = blocks.next().value ?? undefined;
        i = 0;
      }
      if (!block || block.line(i) !== line)
        throw new Error(`the index of the staged file does not have line ${line} here`);
      return { block, i };
    },
  };
}
