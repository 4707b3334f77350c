import { expect, it } from 'vitest';
import { LINES } from '../../src/ledger/deliveries.ts';
import { FileRefused } from '../../src/model.ts';
import { refuseTooManyLines } from '../../src/pipelines/files/seal.ts';

it('a line that the ledger would take for one of the next file refuses the file', () => {
  expect(() => refuseTooManyLines(LINES - 1)).not.toThrow();
  expect(() => refuseTooManyLines(LINES)).toThrow(FileRefused);
  expect(() => refuseTooManyLines(LINES)).toThrow('1073741824');
});
