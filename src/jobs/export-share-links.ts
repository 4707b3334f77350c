import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { deliverySettings, duration as patience } from '../delivery/settings.ts';
import { linksSettings } from '../destinations/extole/links/settings.ts';
import { namesIn } from '../destinations/extole/links/texts.ts';
import { extoleSettings } from '../destinations/extole/settings.ts';
import { type CustomerRows, linkEventName } from '../mapping/customer-settings.ts';
import { duration, formatDuration } from '../mapping/duration.ts';
import { columnName } from '../mapping/field-settings.ts';
import { fileSettings } from '../parsing/settings.ts';
import { bulkSettings } from './bulk-settings.ts';
import { hubspotSource, ledgerSource } from './customer-sources.ts';
import { exportTargets } from './export-targets.ts';
import { resolveFolders } from './folders.ts';
import type { ExtoleDestinationSettings } from './lanes.ts';
import { jobFields, source, stagedDays, upkeepFields } from './parts.ts';
import { pushTargets } from './push-targets.ts';
import { receiveLinksSettings } from './receive-settings.ts';

const hold = z.enum(['hold', 'accept']).default('hold');

const customers = z
  .strictObject({
    from: z
      .enum(['inbox', 'hubspot', 'ledger'])
      .default('inbox')
      .describe(
        'Where customers come from. inbox: files. hubspot: contacts that have no share link. ledger: people of rows that other jobs delivered. Default inbox.',
      ),
    email: columnName.optional().describe('The column with the e-mail. With hubspot and ledger it is there by itself.'),
    partnerUserId: columnName
      .optional()
      .describe('The column with your own id of the customer. With hubspot and ledger it is there by itself.'),
    columns: z
      .record(z.string().regex(/^[^{}]+$/, 'a name without braces'), columnName)
      .default({})
      .describe(
        'What columns are called in the texts of links, where that is not their own name: { first_name: "First Name" }.',
      ),
    rounded: hold.describe(
      'A file whose ids of 16 digits and more mostly end in zeros, which a spreadsheet makes of them. Default hold.',
    ),
    width: hold.describe(
      'A file whose ids of digits are shorter than those of the files before, as when a spreadsheet cuts leading zeros off. Default hold.',
    ),
    hubspot: hubspotSource.optional(),
    ledger: ledgerSource.optional(),
  })
  .describe('Whom to make links for. A row needs an e-mail or an id; a customer who comes again is a duplicate.');

const links = linksSettings
  .omit({
    account: true,
    token: true,
    apiUrl: true,
    requestsPerMinute: true,
    requestIdHeader: true,
    ca: true,
    allowPrivateAddresses: true,
  })
  .extend({
    runFor: patience
      .refine((ms) => ms >= 1000, 'expected a second or more: a shorter run would come to nothing')
      .prefault('4h')
      .describe(
        'How long a run of the daemon makes links at a stretch. Then exports, pushes and a report are made of what there is, and the daemon goes on at once. Default 4h.',
      ),
    patience: patience
      .prefault('1m')
      .describe(
        'How long to go on with one person where 429, errors of the server or broken connections come back, before others have their turn. Default 1m.',
      ),
    bulk: bulkSettings.optional(),
  })
  .describe('How share links are found and made. A person has one link for the label.');

/** Settings of an Extole account that are about events alone. */
const ABOUT_EVENTS = {
  lane: true,
  autoThreshold: true,
  apiVersion: true,
  eventsUrl: true,
  paths: true,
  keyField: true,
  requestsPerSecondPerPerson: true,
  verify: true,
  upload: true,
  batch: true,
  folder: true,
} as const;

/** Of an Extole account, what making links needs. */
const extole = extoleSettings.omit(ABOUT_EVENTS).describe('The Extole account that makes the links.');

/** What is about events alone, as it is where nobody set it. */
const OF_EVENTS = extoleSettings.pick(ABOUT_EVENTS).parse({});

const { concurrency, unknown } = deliverySettings.parse({
  // More at once than the pace of the token allows is of no use.
  concurrency: { start: 4, max: 16 },
});

const { $schema, id, ...more } = jobFields;
const { report, ...upkeep } = upkeepFields;

const linksJob = z
  .strictObject({
    $schema,
    id,
    pipeline: z
      .literal('export-share-links')
      .describe('export-share-links makes share links for customers, and puts them into files and tools.'),
    ...more,
    source: source
      .extend({
        match: source.shape.match
          .optional()
          .describe('Names of the customer files to take, as a glob: "customers-*.csv". Needed with from: inbox.'),
      })
      .describe('Where customer files arrive, and beside which folder results and reports go.'),
    file: fileSettings,
    customers,
    links,
    destination: z.strictObject({ extole }).describe('Where the links are made.'),
    delivery: deliverySettings
      .unwrap()
      .omit({ unknown: true, concurrency: true })
      .prefault({})
      .describe('How people are gone through.'),
    receive: receiveLinksSettings.optional(),
    exports: exportTargets,
    push: pushTargets,
    report,
    ...upkeep,
    retention: z
      .strictObject({
        days: stagedDays,
        keys: duration
          .prefault('400d')
          .describe(
            'How long it is remembered who was gone through. Whoever comes again after that is looked up at Extole again. Default 400d.',
          ),
        links: duration
          .prefault('1100d')
          .describe(
            'How long the link of a person is kept in the ledger of whom nothing was heard. Links stay at Extole. Must be longer than retention.keys. Default 1100d.',
          ),
      })
      .prefault({})
      .describe('How long things are kept.'),
  })
  .superRefine((job, context) => {
    const complain = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
    const { from, email, partnerUserId } = job.customers;
    if (from === 'inbox') {
      if (job.source.match === undefined)
        complain(['source', 'match'], 'names of the customer files are needed, such as "customers-*.csv"');
      if (email === undefined && partnerUserId === undefined)
        complain(['customers'], 'a person is needed: name the column of email or partnerUserId, or both');
    }
    if (from !== 'inbox' && !isDeepStrictEqual(job.file, fileSettings.parse(undefined)))
      complain(
        ['file'],
        `customers.from is ${from}, whose customers are written to a file by Referry itself: leave this out`,
      );
    for (const kind of ['hubspot', 'ledger'] as const) {
      if (from === kind && job.customers[kind] === undefined)
        complain(['customers', kind], `customers.from is ${kind}, which needs its settings here`);
      if (from !== kind && job.customers[kind] !== undefined)
        complain(['customers', kind], `customers.from is ${from}, so these settings are not used: set from: ${kind}`);
    }
    const has = {
      email: from !== 'inbox' || email !== undefined,
      partner_user_id: from !== 'inbox' || partnerUserId !== undefined,
    };
    const somebody = has.email || has.partner_user_id;
    if (somebody && !job.links.person.findBy.some((by) => has[by]))
      complain(
        ['links', 'person', 'findBy'],
        'customers have none of these: name its column in customers, or find by the other',
      );
    if (somebody && job.links.person.create && !has[job.links.person.identity])
      complain(
        ['links', 'person', 'identity'],
        `people are made by ${job.links.person.identity}, which customers do not have: name its column in customers, or set another identity, or create: false`,
      );
    if (job.links.bulk?.collect === 'report' && job.links.report === undefined)
      complain(
        ['links', 'bulk'],
        'links are collected out of a report, which needs its settings: links.report; or say collect: webhooks',
      );
    if (job.links.bulk?.collect === 'webhooks' && job.receive === undefined)
      complain(
        ['links', 'bulk'],
        'links are collected out of what Extole posts, which nothing takes: say how in receive, or collect: report',
      );
    if (job.retention.links <= job.retention.keys)
      complain(
        ['retention', 'links'],
        `retention.links is ${formatDuration(job.retention.links)} and retention.keys is ${formatDuration(job.retention.keys)}; a link must be kept longer, or it would be gone while its person is known as done`,
      );
  });

type Written = z.output<typeof linksJob>;

/** The name of what a customer has by itself. */
const OWN_NAMES: ReadonlySet<string> = new Set(['label', 'person_id', 'email', 'partner_user_id']);

/** Columns that the texts of links name, and where they are. */
function columnsOf({ customers: { columns }, links: { key, code, content, data } }: Written): Record<string, string> {
  const texts = [key, code.template ?? [], Object.values(content ?? {}), Object.values(data)].flat();
  const named = texts.flatMap((text) => namesIn(text ?? '')).filter((name) => !OWN_NAMES.has(name));
  return { ...Object.fromEntries(named.map((name) => [name, name])), ...columns };
}

function rowsOf(job: Written): CustomerRows {
  const { from, email, partnerUserId, rounded, width } = job.customers;
  const own = from !== 'inbox';
  const columns = {
    email: email ?? (own ? 'email' : undefined),
    partnerUserId: partnerUserId ?? (own ? 'partner_user_id' : undefined),
  };
  return {
    customers: true,
    name: linkEventName(job.links.label),
    ...(columns.email === undefined ? {} : { email: columns.email }),
    ...(columns.partnerUserId === undefined ? {} : { partnerUserId: columns.partnerUserId }),
    ...(job.links.bulk === undefined ? {} : { uploadedAs: job.links.bulk.event }),
    columns: columnsOf(job),
    key: {
      from: columns.partnerUserId ?? columns.email ?? '',
      unwrapExcel: false,
      scientific: 'reject',
      rounded,
      width,
    },
  };
}

/** Two rows with one person are the same, so there are no conflicts. */
const FIRST_WINS: 'refuse' | 'first-wins' = 'first-wins';

/** Longer than what Extole takes as the unique key of an event, and none of its fields: an event is of one upload. */
const KEY_FIELD = 'customer_key';

/** How customers go as a file, in bulk. */
function asFile(bulk: Written['links']['bulk']) {
  if (bulk === undefined) return { keyField: KEY_FIELD };
  const { lane, upload, batch, sftp, missingAfter } = bulk;
  return {
    keyField: KEY_FIELD,
    lane,
    upload: { ...upload, proofTimeout: missingAfter },
    batch,
    ...(sftp === undefined ? {} : { sftp }),
  };
}

/**
 * A file that we write ourselves is whole, and as long as there are people. Those without an e-mail and an id stay among the contacts without
 * a link while the others leave, until there are none but them.
 */
function fileOf({ file, customers }: Written): Written['file'] {
  return customers.from === 'inbox' ? file : { ...file, maxRejected: 1, fewerRows: 'accept' };
}

/** In the shape in which files travel: a customer is a row, and the person its key. */
function asRows(job: Written) {
  const { account, token, apiUrl, requestsPerMinute, requestIdHeader, ca, allowPrivateAddresses } =
    job.destination.extole;
  const reach = { account, token, apiUrl, requestsPerMinute, requestIdHeader, ca, allowPrivateAddresses };
  const extole: ExtoleDestinationSettings = { ...OF_EVENTS, ...job.destination.extole, ...asFile(job.links.bulk) };
  return resolveFolders({
    ...job,
    source: { ...job.source, match: job.source.match ?? '*.csv' },
    file: fileOf(job),
    event: rowsOf(job),
    destination: { extole },
    links: { ...job.links, ...reach },
    delivery: { ...job.delivery, concurrency, unknown },
    onConflict: FIRST_WINS,
  });
}

/** A job that makes share links for customers. Once parsed, folders are relative to the folder that holds the inbox. */
export const exportShareLinks = linksJob.transform(asRows);
