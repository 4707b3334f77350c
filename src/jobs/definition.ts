import { hash } from 'node:crypto';
import * as z from 'zod';
import { customerRows } from '../mapping/customer-settings.ts';
import { memberRows } from '../mapping/member-settings.ts';
import { eventSettings } from '../mapping/settings.ts';
import { manifestSettings } from '../parsing/manifest-settings.ts';
import { fileSettings } from '../parsing/settings.ts';
import type { Job } from './schema.ts';

const definition = z.object({
  job: z.string(),
  event: z.union([customerRows, memberRows, eventSettings]),
  file: fileSettings,
  /** The files come encrypted; with which keys is not stored. Absent in definitions older than this. */
  encrypted: z.boolean().optional(),
  /** What stands beside each file; absent where nothing does. */
  manifest: manifestSettings.optional(),
  onConflict: z.enum(['refuse', 'first-wins']),
  destination: z.object({
    provider: z.string(),
    account: z.string(),
    container: z.string(),
    keyField: z.string(),
  }),
  report: z.object({ to: z.string(), reports: z.string() }),
});

/** What a file is processed under from its first look to its last: what decides about its rows. No secrets, no URLs. */
export type Definition = z.output<typeof definition>;

/** The part of a job that is stored with each processing, as canonical JSON: equal settings give equal text. */
export function storedDefinition(job: Job): { job: string; body: string; sha256: string } {
  const { account, container, keyField } = job.destination.extole;
  const { pgp, ...file } = job.file;
  // When the morning report is made, and who can read the results, decides about no row.
  const { to, reports } = job.report;
  const stored: Definition = {
    job: job.id,
    event: job.event,
    file,
    ...(pgp === undefined ? {} : { encrypted: true }),
    ...(job.source.manifest === undefined ? {} : { manifest: manifestSettings.parse(job.source.manifest) }),
    onConflict: job.onConflict,
    destination: { provider: 'extole', account, container, keyField },
    report: { to, reports },
  };
  const body = canonicalJson(stored);
  return { job: job.id, body, sha256: hash('sha256', body, 'hex') };
}

/** The definition that `storedDefinition` stored. Throws where the text is not one: then the ledger is damaged. */
export function parseStoredDefinition(body: string): Definition {
  return definition.parse(JSON.parse(body));
}

/** Lists of fields whose order decides which fault of a row is reported first, so it is part of the definition. */
const ORDERED = new Set(['data']);

/** JSON with sorted keys, except where the order means something. */
function canonicalJson(value: unknown, key = ''): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  if (!ORDERED.has(key)) entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([name, item]) => `${JSON.stringify(name)}:${canonicalJson(item, name)}`).join(',')}}`;
}
