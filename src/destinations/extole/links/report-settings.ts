import { z } from 'zod';
import { duration } from '../../../delivery/settings.ts';

/** The report from which links are collected that Extole made by itself. Durations are milliseconds once parsed. */
export const reportSettings = z
  .strictObject({
    type: z
      .string()
      .min(1)
      .max(255)
      .describe(
        'The report type, as "Get API Call" of the report in My Extole prints it: which one lists links differs between accounts.',
      ),
    parameters: z
      .record(z.string(), z.string())
      .default({})
      .describe('Its parameters, as printed there: the time range, mappings, filters, container.'),
    format: z.enum(['csv', 'jsonl']).default('csv').describe('The format that is downloaded.'),
    columns: z
      .strictObject({
        code: z.string().min(1).default('code').describe('The code of the link. A row without it is told of.'),
        email: z.string().min(1).default('email').describe("The person's e-mail."),
        partnerUserId: z.string().min(1).default('partner_user_id').describe('Your id of the person.'),
        personId: z.string().min(1).default('person_id').describe("Extole's id of the person."),
        link: z.string().min(1).default('link').describe('The whole link.'),
        label: z.string().min(1).default('label').describe('The label of the link.'),
        key: z.string().min(1).default('key').describe('The key of the link.'),
      })
      .prefault({})
      .describe('What the columns of the report are called. The code is needed, and the e-mail or an id.'),
    linkPrefix: z
      .url({ protocol: /^https$/ })
      .refine(
        (text) => text.endsWith('/') || text.endsWith('='),
        'expected a URL that the code is appended to, ending in /',
      )
      .optional()
      .describe('What a link is made of where the report has only its code, such as https://share.example.com/.'),
    pageRows: z
      .int()
      .min(0)
      .max(1000)
      .default(1000)
      .describe('Rows to download with one request, at most 1000. 0: the whole report at once, up to maxBytes.'),
    maxBytes: z
      .int()
      .min(65_536)
      .max(512 * 1024 * 1024)
      .default(64 * 1024 * 1024)
      .describe('The longest download that is read.'),
    poll: duration.prefault('15s').describe('Time between two looks at a report that runs.'),
    timeout: duration.prefault('30m').describe('How long a report may run; most take one to ten minutes.'),
  })
  .describe('The report from which links are collected.');

export type ReportSettings = z.output<typeof reportSettings>;
