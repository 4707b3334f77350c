import { z } from 'zod';
import { BY_EMAIL, compileColumns } from './columns.ts';
import {
  columnName,
  type ExportFormat,
  fileBytes,
  furtherColumns,
  namingFields,
  sameNames,
  tellOfColumns,
  template,
} from './format.ts';

const MOST_COLUMNS = 999;

const property = columnName.regex(/^[a-z][a-z0-9_]*$/, {
  error: (issue) =>
    `found "${issue.input}"; the internal name of a HubSpot property is expected: lower-case letters, digits and _`,
});

const fields = z.strictObject({
  ...namingFields('hubspot-share-links-{yyyy}{MM}{dd}-{HH}{mm}{ss}.csv'),
  linkProperty: property.default('share_link').describe('The internal name of the property for the link.'),
  codeProperty: property.default('share_code').describe('The internal name of the property for the code.'),
  company: template
    .prefault('{company}')
    .describe('What the column company holds: a column of your source, or a text that is the same for all.'),
  appType: template
    .prefault('{extole_app_type}')
    .describe('What the column extole_app_type holds: a column of your source, or a text that is the same for all.'),
  columns: furtherColumns,
  maxRows: z
    .int()
    .min(1)
    .max(1_048_575)
    .default(1_048_575)
    .describe(
      'Rows of one file without its header; more go into further files. HubSpot takes 1,048,576 with the header, and without a paid plan 500,000 a day.',
    ),
  maxBytes: fileBytes(512_000_000, 'Without a paid plan HubSpot takes 20000000.'),
});

type Settings = z.output<typeof fields>;

const settings = fields
  .check((context) => {
    const names = ['email', ...columnsOf(context.value).map(([name]) => name)];
    const many = names.length > MOST_COLUMNS ? `there are ${names.length} columns; HubSpot takes 999` : undefined;
    const message = sameNames(names, true) ?? many;
    tellOfColumns(context, message);
  })
  .describe("A file of contacts for HubSpot's import tool. The e-mail address says which contact it is.");

/** Source: knowledge.hubspot.com, import files: CSV in UTF-8, header, fewer than 1000 columns, 1,048,576 rows and 512 MB a file. */
export const hubspotCsv: ExportFormat<typeof settings> = {
  name: 'hubspot-csv',
  title: 'HubSpot: contacts, for the import tool',
  settings,
  compile(chosen) {
    return compileColumns({
      format: 'hubspot-csv',
      naming: chosen,
      identifier: BY_EMAIL,
      columns: columnsOf(chosen),
      maxRows: chosen.maxRows,
      maxBytes: chosen.maxBytes,
    });
  },
};

function columnsOf(chosen: Settings): (readonly [string, string])[] {
  return [
    [chosen.linkProperty, '{link}'],
    [chosen.codeProperty, '{code}'],
    ['company', chosen.company],
    ['extole_app_type', chosen.appType],
    ...Object.entries(chosen.columns),
  ];
}
