import { z } from 'zod';
import { BY_EMAIL, compileColumns, type Identifier } from './columns.ts';
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
import type { LeftOut } from './row.ts';

/** Attributes that Braze has by itself; in any other spelling they become custom attributes. */
const DEFAULT_ATTRIBUTES = new Set([
  'email',
  'phone',
  'first_name',
  'last_name',
  'country',
  'dob',
  'gender',
  'home_city',
  'language',
  'time_zone',
  'date_of_first_session',
  'date_of_last_session',
  'email_subscribe',
  'push_subscribe',
  'email_open_tracking_disabled',
  'email_click_tracking_disabled',
  'image_url',
  'subscription_group_id',
  'subscription_state',
]);
const IDENTIFIERS = new Set(['external_id', 'braze_id', 'user_alias_name', 'user_alias_label']);

const fields = z.strictObject({
  ...namingFields('braze-share-links-{yyyy}{MM}{dd}-{HH}{mm}{ss}.csv'),
  identifier: z
    .enum(['external_id', 'email', 'user_alias'])
    .default('external_id')
    .describe(
      'How Braze finds the user; it is the first column. external_id; email; or user_alias, with the columns user_alias_name and user_alias_label. People without one are left out: one file has one kind of identifier.',
    ),
  id: template
    .prefault('{partner_user_id}')
    .describe('With external_id and user_alias: what it is, such as "{partner_user_id}" or "{email}".'),
  aliasLabel: z.string().trim().min(1).default('email').describe('With user_alias: the label of the alias.'),
  linkAttribute: columnName.default('share_link').describe('The custom attribute of the link.'),
  columns: furtherColumns,
  maxBytes: fileBytes(500_000_000, 'Braze takes 500 MB of attributes.'),
});

type Settings = z.output<typeof fields>;

const settings = fields
  .check((context) => {
    const { columns, linkAttribute } = context.value;
    const message =
      [linkAttribute, ...Object.keys(columns)].map(misplaced).find((problem) => problem !== undefined) ??
      sameNames([identifierOf(context.value).column, ...columnsOf(context.value).map(([name]) => name)], true);
    tellOfColumns(context, message);
  })
  .describe("A file of attributes for Braze's CSV import, which has no API: a person uploads it.");

/** Source: braze.com/docs, CSV import: one identifier column, exact lower case, no duplicate ids, blanks change nothing. */
export const brazeCsv: ExportFormat<typeof settings> = {
  name: 'braze-csv',
  title: 'Braze: user attributes, for the CSV import',
  settings,
  compile(chosen) {
    return compileColumns({
      format: 'braze-csv',
      naming: chosen,
      identifier: identifierOf(chosen),
      columns: columnsOf(chosen),
      judge: leadingZero,
      maxBytes: chosen.maxBytes,
    });
  },
};

function identifierOf({ identifier, id }: Settings): Identifier {
  if (identifier === 'email') return BY_EMAIL;
  return { column: identifier === 'external_id' ? 'external_id' : 'user_alias_name', template: id, kind: 'id' };
}

function columnsOf({ identifier, aliasLabel, linkAttribute, columns }: Settings): (readonly [string, string])[] {
  const label = aliasLabel.replaceAll('{', '{{').replaceAll('}', '}}');
  return [
    ...(identifier === 'user_alias' ? [['user_alias_label', label] as const] : []),
    [linkAttribute, '{link}'],
    ...Object.entries(columns),
  ];
}

function misplaced(name: string): string | undefined {
  const lower = name.toLowerCase();
  if (IDENTIFIERS.has(lower))
    return `found a column "${name}"; the identifier is chosen with identifier, and stands once`;
  if (!DEFAULT_ATTRIBUTES.has(lower) || lower === name) return undefined;
  return `found a column "${name}"; Braze has ${lower}, and would make a custom attribute of any other spelling`;
}

/** Braze reads 0130 as a number of base eight: 88. */
function leadingZero(cell: string, column: string): LeftOut | undefined {
  if (!/^0\d+$/.test(cell)) return undefined;
  return {
    code: 'VALUE_READ_AS_NUMBER',
    reason: `the column ${column} has a number with a zero before it, which Braze would store as another number; put a letter before it`,
  };
}
