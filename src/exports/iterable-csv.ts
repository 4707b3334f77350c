import { z } from 'zod';
import { BY_EMAIL, compileColumns } from './columns.ts';
import { columnName, type ExportFormat, furtherColumns, namingFields, sameNames, tellOfColumns } from './format.ts';

const OWN = ['email', 'userId'] as const;

const fields = z.strictObject({
  ...namingFields('iterable-share-links-{yyyy}{MM}{dd}-{HH}{mm}{ss}.csv'),
  identifier: z
    .enum(OWN)
    .default('email')
    .describe(
      'How your Iterable project knows people: email, or userId, which is the partner_user_id. It is the first column, in this spelling; people without one are left out.',
    ),
  linkField: columnName
    .default('share_link')
    .describe(
      'The user profile field of the link. Iterable tells capital letters apart, and keeps a new field for good.',
    ),
  columns: furtherColumns,
});

type Settings = z.output<typeof fields>;

const settings = fields
  .check((context) => {
    const names = [context.value.identifier, ...columnsOf(context.value).map(([name]) => name)];
    const message = sameNames(names, true) ?? names.map(misspelt).find((problem) => problem !== undefined);
    tellOfColumns(context, message);
  })
  .describe("A file of users for Iterable's import of lists. Its headers are the names of the profile fields.");

/** Source: support.iterable.com, CSV list import: headers are field names, case-sensitive; strings, dates and booleans only. */
export const iterableCsv: ExportFormat<typeof settings> = {
  name: 'iterable-csv',
  title: 'Iterable: users, for an import of a list',
  settings,
  compile(chosen) {
    const byEmail = chosen.identifier === 'email';
    return compileColumns({
      format: 'iterable-csv',
      naming: chosen,
      identifier: byEmail ? BY_EMAIL : { column: 'userId', template: '{partner_user_id}', kind: 'id' },
      columns: columnsOf(chosen),
    });
  },
};

function columnsOf(chosen: Settings): (readonly [string, string])[] {
  return [[chosen.linkField, '{link}'], ...Object.entries(chosen.columns)];
}

/** `Email` would be a field of its own beside the address, for good. */
function misspelt(name: string): string | undefined {
  const own = OWN.find((known) => known.toLowerCase() === name.toLowerCase());
  return own === undefined || own === name ? undefined : `found a column "${name}"; Iterable calls it ${own}`;
}
