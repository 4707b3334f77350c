import { z } from 'zod';
import { compileColumns } from './columns.ts';
import {
  columnName,
  type ExportFormat,
  fileBytes,
  furtherColumns,
  namingFields,
  sameNames,
  tellOfColumns,
} from './format.ts';

const fields = z.strictObject({
  ...namingFields('klaviyo-share-links-{yyyy}{MM}{dd}-{HH}{mm}{ss}.csv'),
  emailColumn: columnName
    .default('Email Address')
    .describe(
      "The first column's header. Klaviyo's page on uploads names Email Address; the SFTP folder may want Email: try it with a file of a few rows.",
    ),
  linkProperty: columnName
    .default('share_link')
    .describe('The custom property of the link. Klaviyo tells capital letters apart: keep to one spelling.'),
  columns: furtherColumns,
  maxBytes: fileBytes(50_000_000, 'Klaviyo takes 50 MB.'),
});

type Settings = z.output<typeof fields>;

const settings = fields
  .check((context) => {
    // An e-mail column in another spelling would become a custom property that looks like the address.
    const names = [context.value.emailColumn, ...columnsOf(context.value).map(([name]) => name)];
    const message = sameNames(names, true);
    tellOfColumns(context, message);
  })
  .describe('A file of profiles for Klaviyo: for an upload to a list, or the folder /profiles of its SFTP server.');

/** Source: help.klaviyo.com, list upload: first header, UTF-8, 50 MB, no duplicate rows; developers.klaviyo.com, SFTP import. */
export const klaviyoCsv: ExportFormat<typeof settings> = {
  name: 'klaviyo-csv',
  title: 'Klaviyo: profiles, for an upload or the SFTP folder /profiles',
  settings,
  compile(chosen) {
    return compileColumns({
      format: 'klaviyo-csv',
      naming: chosen,
      identifier: { column: chosen.emailColumn, template: '{email}', kind: 'email' },
      columns: columnsOf(chosen),
      maxBytes: chosen.maxBytes,
    });
  },
};

function columnsOf(chosen: Settings): (readonly [string, string])[] {
  return [[chosen.linkProperty, '{link}'], ...Object.entries(chosen.columns)];
}
