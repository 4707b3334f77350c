import { z } from 'zod';
import { compileColumns } from './columns.ts';
import { columnName, type ExportFormat, furtherColumns, namingFields, sameNames, tellOfColumns } from './format.ts';

const fields = z.strictObject({
  ...namingFields(
    'extole_share_links_{yyyy}{MM}{dd}.csv',
    " A File Naming Pattern such as extole_share_links_%%Year%%%%Month%%%%Day%%.csv is filled in by Salesforce in the account's zone when an automation runs.",
  ),
  emailColumn: columnName.default('EmailAddress').describe("The data extension's column of the e-mail address."),
  keyColumn: columnName
    .optional()
    .describe(
      "The data extension's primary key where that is not the e-mail address, such as SubscriberKey: holds the partner_user_id and comes first; people without one are left out.",
    ),
  linkColumn: columnName.default('extole_share_link').describe("The data extension's column of the link."),
  maxLinkLength: z
    .int()
    .min(1)
    .max(4000)
    .default(500)
    .describe('The length of that column, of type Text. Longer links are left out: Salesforce would refuse the row.'),
  columns: furtherColumns,
  direct: z
    .boolean()
    .default(false)
    .describe(
      'Write the file under its own name at once. Needed where a file-drop automation listens in the folder: it starts on an upload, not on the rename with which files appear whole. The cost: the automation may start on half a file, and when the connection breaks, half a file stays until the next try.',
    ),
});

type Settings = z.output<typeof fields>;

const settings = fields
  .check((context) => {
    const message = sameNames(
      columnsOf(context.value).map(([name]) => name),
      true,
    );
    tellOfColumns(context, message);
  })
  .describe('A file for the import of a data extension of Salesforce Marketing Cloud, to be put below /Import.');

/** Source: help.salesforce.com, mc_es_import_activity and mc_overview_ftp_accounts: labels equal to column names map by themselves. */
export const sfmcCsv: ExportFormat<typeof settings> = {
  name: 'sfmc-csv',
  title: 'Salesforce Marketing Cloud: a data extension, for an import activity',
  settings,
  compile(chosen) {
    const [[column, template], ...columns] = columnsOf(chosen);
    return compileColumns({
      format: 'sfmc-csv',
      naming: chosen,
      identifier: { column, template, kind: chosen.keyColumn === undefined ? 'email' : 'id' },
      columns,
      maxLink: chosen.maxLinkLength,
      direct: chosen.direct,
    });
  },
};

type Named = readonly [string, string];

/** The primary key is the first. */
function columnsOf(chosen: Settings): [Named, ...Named[]] {
  const email: Named = [chosen.emailColumn, '{email}'];
  const rest: Named[] = [[chosen.linkColumn, '{link}'], ...Object.entries(chosen.columns)];
  return chosen.keyColumn === undefined ? [email, ...rest] : [[chosen.keyColumn, '{partner_user_id}'], email, ...rest];
}
