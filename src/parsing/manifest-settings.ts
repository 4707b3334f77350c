import { z } from 'zod';

const control = z
  .strictObject({
    format: z
      .enum(['key-value', 'csv'])
      .default('key-value')
      .describe(
        'key-value: lines such as rows=1200 or rows: 1200. csv: one line of values, after a header line or with `columns`.',
      ),
    columns: z
      .array(z.string().trim().min(1))
      .min(1)
      .optional()
      .describe('With format csv: the names of its columns, where it has no header line.'),
    delimiter: z.string().length(1).default(',').describe('With format csv: what separates the values.'),
    count: z.string().trim().min(1).optional().describe('The name (key or column) of the row count.'),
    countIncludes: z
      .enum(['rows', 'rows+header'])
      .default('rows')
      .describe('What the sender counts: rows only, or the header as well.'),
    sums: z
      .record(z.string().trim().min(1), z.string().trim().min(1))
      .default({})
      .describe(
        'Control totals: the column of the file, and the name of its sum in the control file. Compared exactly, as decimals.',
      ),
    decimal: z
      .enum(['.', ','])
      .default('.')
      .describe('The decimal mark in the summed column and its total; the other one is read as a thousands separator.'),
  })
  .superRefine((settings, context) => {
    if (settings.count !== undefined || Object.keys(settings.sums).length > 0) return;
    context.addIssue({
      code: 'custom',
      path: ['count'],
      message: 'a count or a sum is needed, or there is nothing to compare',
    });
  })
  .optional()
  .describe('With kind: control, what the file says and how.');

/** The fields of the `source.manifest:` block that decide about a file; how long it is waited for is not among them. */
export const manifestFields = {
  name: z
    .string()
    .refine((text) => /\{(name|stem)\}/.test(text), 'the name of the data file must occur in it as {name} or {stem}')
    .refine((text) => !/^\{(name|stem)\}$/.test(text), 'it must differ from the name of the data file')
    .describe('Its name: "{name}.md5", "{name}.sha256", "{stem}.ctl". Files of such names are never taken as input.'),
  kind: z
    .enum(['md5', 'sha256', 'control'])
    .describe(
      'md5, sha256: a checksum of the file as it arrived, as md5sum writes it, or bare. control: a row count and sums.',
    ),
  onMissing: z
    .enum(['hold', 'refuse', 'process'])
    .default('hold')
    .describe(
      'What becomes of a file whose manifest did not come: hold it for a person, refuse it, or process it without.',
    ),
  control,
};

/** What a control file says must be declared, and only there. */
export function manifestProblem(manifest: { kind: string; control?: unknown }): string | undefined {
  if ((manifest.kind === 'control') === (manifest.control !== undefined)) return undefined;
  return manifest.kind === 'control'
    ? 'kind: control needs `control`, what the file says'
    : `kind: ${manifest.kind} has no \`control\``;
}

/** As it is stored with each file. */
export const manifestSettings = z.object(manifestFields);

export type ManifestSettings = z.output<typeof manifestSettings>;
export type ControlSettings = NonNullable<ManifestSettings['control']>;
