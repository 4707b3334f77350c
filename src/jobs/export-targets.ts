import * as z from 'zod';
import { hubspotSettings } from '../destinations/hubspot/settings.ts';
import { brazeCsv } from '../exports/braze-csv.ts';
import type { CompiledExport } from '../exports/format.ts';
import { hubspotCsv } from '../exports/hubspot-csv.ts';
import { iterableCsv } from '../exports/iterable-csv.ts';
import { klaviyoCsv } from '../exports/klaviyo-csv.ts';
import { plainCsv } from '../exports/plain-csv.ts';
import { qrSettings } from '../exports/qr-settings.ts';
import { EXPORT_KINDS } from '../exports/row.ts';
import { sfmcCsv } from '../exports/sfmc-csv.ts';
import { keepAtLeast } from '../exports/shrink.ts';
import { remoteSettings } from '../remotes/settings.ts';
import { namesDiffer, targetName } from './target-names.ts';

const outbox = z
  .strictObject({
    ...remoteSettings.shape,
    url: remoteSettings.shape.url.describe(
      'The folder for the files: sftp://user@host:port/folder, or file:///srv/outbox for a local one. It is made where it is missing.',
    ),
  })
  .describe('Where the files go. Each appears whole, under a name of its own, and a manifest after it.');

/** What every export has, whatever its format. */
const shared = {
  name: targetName,
  kind: z
    .enum(EXPORT_KINDS)
    .default('changes')
    .describe(
      'changes: links that are new or other than in the last export. snapshot: all links, whenever one of them changed. Default changes.',
    ),
  keepAtLeast,
  whenUnchanged: z
    .enum(['skip', 'export'])
    .default('skip')
    .describe(
      'What a run does when no link has changed. skip: makes no file. export: makes one all the same, for whoever expects a file each time.',
    ),
  manifest: z
    .boolean()
    .default(true)
    .describe(
      'Put NAME.manifest.json beside the first file, after all of them: rows and SHA-256 of each. Whoever waits for it finds everything in place.',
    ),
  qr: qrSettings.optional(),
};

const OF_A_SECOND = ['{yyyy}', '{MM}', '{dd}', '{HH}', '{mm}', '{ss}'];

const needed = { ...shared, to: outbox };

/** A file of share links that a CRM or e-mail tool imports. */
const exportTarget = z.discriminatedUnion('format', [
  hubspotCsv.settings
    .safeExtend({
      format: z.literal('hubspot-csv').describe(hubspotCsv.title),
      ...shared,
      to: outbox.optional(),
      hubspot: hubspotSettings
        .optional()
        .describe(
          "Hand the file to HubSpot's Imports API instead of an outbox, and follow the import to its end. The token needs the scope crm.import.",
        ),
    })
    .check((context) => {
      const { to, hubspot } = context.value;
      if ((to === undefined) !== (hubspot === undefined)) return;
      const message = 'expected either to: (an outbox) or hubspot: (the Imports API)';
      context.issues.push({ code: 'custom', path: ['to'], message, input: undefined });
    }),
  sfmcCsv.settings.safeExtend({ format: z.literal('sfmc-csv').describe(sfmcCsv.title), ...needed }).check((context) => {
    const { direct, kind, fileName } = context.value;
    if (!direct || kind === 'snapshot' || OF_A_SECOND.every((place) => fileName.includes(place))) return;
    const message = `with direct: true and kind: changes the name needs ${OF_A_SECOND.join(' ')}: a file of the same name would be overwritten, with changes in it that nobody may have imported yet`;
    context.issues.push({ code: 'custom', path: ['fileName'], message, input: undefined });
  }),
  klaviyoCsv.settings.safeExtend({ format: z.literal('klaviyo-csv').describe(klaviyoCsv.title), ...needed }),
  iterableCsv.settings.safeExtend({ format: z.literal('iterable-csv').describe(iterableCsv.title), ...needed }),
  brazeCsv.settings
    .safeExtend({ format: z.literal('braze-csv').describe(brazeCsv.title), ...needed })
    .check((context) => {
      const { id, identifier } = context.value;
      if (identifier === 'email' || id === '{email}' || id === '{partner_user_id}') return;
      const message = 'expected {email} or {partner_user_id}: people are written in the order of it';
      context.issues.push({ code: 'custom', path: ['id'], message, input: undefined });
    }),
  plainCsv.settings.safeExtend({ format: z.literal('plain-csv').describe(plainCsv.title), ...needed }),
]);

/** `exports` of a job. */
export const exportTargets = z
  .array(exportTarget)
  .default([])
  .check((context) => namesDiffer(context, context.value.map(nameOfExport)))
  .describe('Files of share links for import into CRM and e-mail tools, made after the rows of each run.');

export type ExportTarget = z.output<typeof exportTarget>;

/** What a target is known by in the ledger, in reports and in commands. */
export function nameOfExport({ name, format }: { name?: string | undefined; format: string }): string {
  return name ?? format;
}

export function compileTarget(target: ExportTarget): CompiledExport {
  switch (target.format) {
    case 'hubspot-csv':
      return hubspotCsv.compile(target);
    case 'sfmc-csv':
      return sfmcCsv.compile(target);
    case 'klaviyo-csv':
      return klaviyoCsv.compile(target);
    case 'iterable-csv':
      return iterableCsv.compile(target);
    case 'braze-csv':
      return brazeCsv.compile(target);
    case 'plain-csv':
      return plainCsv.compile(target);
  }
}

/** Says nothing of the contents of a file. */
const NOT_OF_CONTENTS: ReadonlySet<string> = new Set([
  ...['name', 'kind', 'keepAtLeast', 'whenUnchanged', 'manifest', 'to', 'hubspot'],
  ...['fileName', 'timezone', 'maxRows', 'maxBytes', 'direct'],
]);

/** What decides about the contents of an export's files, as text: with another one, everybody is exported again. No secrets. */
export function contentsOf(target: ExportTarget): string {
  return JSON.stringify(Object.entries(target).filter(([name]) => !NOT_OF_CONTENTS.has(name)));
}
