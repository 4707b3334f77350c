import { z } from 'zod';
import { backoffSettings, duration } from '../../../delivery/settings.ts';
import { pathLike } from '../../reach-settings.ts';
import { extoleSettings } from '../settings.ts';
import { reportSettings } from './report-settings.ts';
import { namesIn, TEMPLATE } from './texts.ts';

const template = z.string().regex(TEMPLATE, 'expected text with columns in braces, such as {first_name}{employee_id}');
const path = pathLike('/v5/persons');

/** How share links are made at one Extole account. Durations are milliseconds once parsed. */
export const linksSettings = extoleSettings
  .pick({
    account: true,
    token: true,
    apiUrl: true,
    requestsPerMinute: true,
    requestIdHeader: true,
    ca: true,
    allowPrivateAddresses: true,
  })
  .extend({
    label: z
      .string()
      .regex(/^[\w-]{1,255}$/, 'expected letters, digits, dashes and underscores')
      .describe('The label of the links, as the program knows it. A person has one link for each label.'),
    key: template
      .refine(
        (text) => namesIn(text).includes('person_id'),
        'expected {person_id} in it: two people must never share a key',
      )
      .default('{label}-{person_id}')
      .describe(
        'The key that Extole keeps with each link, from which we know our own again after a crash. {label}, {person_id} and columns; it must hold {person_id}. Do not put names or addresses into it: it is stored in the ledger.',
      ),
    code: z
      .strictObject({
        template: template
          .optional()
          .describe(
            'The last part of the link, such as {first_name}{employee_id}. Accents are folded, and what is no letter, digit, - or _ is left out. Without a template Extole chooses.',
          ),
        tries: z
          .int()
          .min(1)
          .max(50)
          .default(8)
          .describe(
            "Codes to try for one person where the first is taken: Extole's suggestions, then numbered ones, then with the last digits of Extole's id of the person.",
          ),
        fallback: z
          .enum(['extole', 'reject'])
          .default('extole')
          .describe(
            'Where no code can be made of the template, or all tries are taken: let Extole choose one, or reject the person.',
          ),
      })
      .prefault({})
      .describe('The code of a link that is made. A link that exists keeps its own.'),
    content: z
      .strictObject({
        partnerContentId: template.optional().describe('Your own id of what is shared.'),
        title: template.optional().describe('The title of what is shared.'),
        description: template.optional().describe('The text of what is shared.'),
        imageUrl: template.optional().describe('The URL of an image.'),
        url: template.optional().describe('The URL of what is shared.'),
      })
      .optional()
      .describe(
        'What the link shows where it is shared; texts may hold columns. A text whose column is empty is left out.',
      ),
    data: z
      .record(z.string().min(1).max(200), template)
      .default({})
      .describe('Data that Extole keeps with a link that is made: name to text, which may hold columns.'),
    programUrl: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe('The URL of the program that the links belong to, where the account has several.'),
    apiVersion: z
      .enum(['v5', 'v3'])
      .default('v5')
      .describe('The version that makes links. Older guides print v3. Links are looked for with v5 either way.'),
    programUrlField: z
      .enum(['program_url', 'program-url'])
      .optional()
      .describe(
        "What the field of programUrl is called. Extole's specification says program_url, its guide for v3 program-url. Default: program_url with v5, program-url with v3.",
      ),
    person: z
      .strictObject({
        findBy: z
          .array(z.enum(['email', 'partner_user_id']))
          .min(1)
          .default(['email', 'partner_user_id'])
          .describe(
            'What a person is looked for by, where the customer has it. Each costs one request; with both, a customer whose e-mail and id lead to different people is held.',
          ),
        partnerUserIdKey: z
          .string()
          .regex(/^[\w.-]{1,64}$/, 'expected the name of a data field')
          .default('partner_user_id')
          .describe('The person key of the account that holds your id of a customer.'),
        identity: z
          .enum(['email', 'partner_user_id'])
          .default('email')
          .describe('What a person is made by that is missing: the primary identity of the account.'),
        create: z.boolean().default(true).describe('Whether people that Extole does not know are made there.'),
      })
      .prefault({})
      .describe('How a customer is found at Extole.'),
    paths: z
      .strictObject({
        persons: path.default('/v5/persons').describe('Persons; their links are below it.'),
        personsV3: path.default('/v3/persons').describe('Where links are made with apiVersion v3.'),
        reports: path.default('/v4/reports').describe('Reports.'),
      })
      .prefault({})
      .describe('Paths of the API, appended to apiUrl.'),
    patience: duration
      .prefault('10m')
      .describe(
        'How long to go on with one person where 429, errors of the server or broken connections come back; then the next run goes on with that person.',
      ),
    backoff: backoffSettings(
      'Waits between tries are drawn at random between half the bound and the bound.',
      ', unless Extole asks for more',
    ),
    report: reportSettings.optional(),
  })
  .describe('How share links are made at one Extole account.');

export type LinksSettings = z.output<typeof linksSettings>;
