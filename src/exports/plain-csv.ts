import { z } from 'zod';
import { compileColumns } from './columns.ts';
import { allColumns, type ExportFormat, namingFields, sameNames, tellOfColumns } from './format.ts';

const settings = z
  .strictObject({
    ...namingFields('share-links-{yyyy}{MM}{dd}-{HH}{mm}{ss}.csv'),
    columns: allColumns,
    delimiter: z.enum([',', ';', '|', '\t']).default(',').describe('What separates the cells: , ; | or a tab.'),
    spreadsheet: z
      .boolean()
      .default(false)
      .describe(
        'For people who open the file in a spreadsheet: it begins with a byte order mark, and a cell that a spreadsheet would run as a formula gets an apostrophe before it. Off for programs: they need + and = as they are.',
      ),
  })
  .check((context) => {
    const message = sameNames(Object.keys(context.value.columns), false);
    tellOfColumns(context, message);
  })
  .describe('A CSV file with the columns that you say.');

export const plainCsv: ExportFormat<typeof settings> = {
  name: 'plain-csv',
  title: 'Any tool: a CSV file with columns of your own',
  settings,
  compile({ columns, delimiter, spreadsheet, fileName, timezone }) {
    return compileColumns({
      format: 'plain-csv',
      naming: { fileName, timezone },
      columns: Object.entries(columns),
      delimiter,
      mark: spreadsheet,
      ...(spreadsheet && { finish: harmless }),
    });
  },
};

/** What a spreadsheet takes for the beginning of a formula, also in full width; telephone numbers and negative ones are none. */
const FORMULA = /^[\s\p{Cf}]*[=+\-@\uff0b\uff0d\uff1d\uff20\t]/u;
const NUMBER = /^[+-]?\d[\d.,]*$/;

function harmless(cell: string): string {
  return FORMULA.test(cell) && !NUMBER.test(cell) ? `'${cell}` : cell;
}
