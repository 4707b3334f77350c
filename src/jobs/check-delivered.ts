import type { Finding } from './check.ts';
import { fieldOfMember } from './member-sources.ts';
import { idKindOf } from './member-targets.ts';
import type { EventsJob, Job, LinksJob, SegmentsJob } from './schema.ts';

/** What can be wrong with `customers` of a job that takes people of rows that other jobs delivered. */
export function checkCustomers(job: LinksJob, jobs: readonly Job[], unread: ReadonlySet<string>): Finding[] {
  const { ledger } = job.customers;
  if (ledger === undefined) return [];
  return checkDelivering(job, jobs, { ...ledger, at: ['customers', 'ledger'], unread }, (source, path) => {
    if (source.retention.days > 0) return [];
    const message = `${source.id} keeps no staged file once its rows are final (retention.days: 0), and the people of its rows are in those alone`;
    return [{ job, path, message, hint: 'set retention.days there to a few days', severity: 'error' }];
  });
}

const DAY = 86_400_000;

/** The same of `members`: whoever is in the window must be known as long as that. */
export function checkDeliveredMembers(job: SegmentsJob, jobs: readonly Job[], unread: ReadonlySet<string>): Finding[] {
  const { ledger } = job.members;
  if (ledger === undefined) return [];
  const at = ['members', 'ledger'];
  const { days } = ledger;
  const field = fieldOfMember(ledger, idKindOf(job.target));
  return checkDelivering(job, jobs, { ...ledger, at, unread }, (source, path) => {
    const findings: Finding[] = [];
    if (source.retention.days < days) {
      const message = `${source.id} keeps staged files for ${source.retention.days} days (retention.days), and the people of ${days} days are in those alone`;
      const hint = `set retention.days there to ${days} or more, or lower members.ledger.days`;
      findings.push({ job, path, message, hint, severity: 'error' });
    }
    if (source.retention.keys < days * DAY) {
      const message = `${source.id} remembers which rows it delivered for ${Math.floor(source.retention.keys / DAY)} days (retention.keys), and ${days} are asked for`;
      findings.push({ job, path, message, hint: `set retention.keys there to ${days}d or more`, severity: 'error' });
    }
    const { data, passthrough } = source.event;
    const has =
      Object.hasOwn(data, field) || passthrough === true || (Array.isArray(passthrough) && passthrough.includes(field));
    if (!has) {
      const message = `the events of ${source.id} have no field ${field}, by which the target would know their people`;
      const hint = `name a field of event.data there in members.ledger.id; there is ${Object.keys(data).join(', ')}`;
      findings.push({ job, path: [...at, 'id'], message, hint, severity: 'error' });
    }
    return findings;
  });
}

interface Delivering {
  jobs: readonly string[];
  events?: readonly string[] | undefined;
  pgp?: object | undefined;
  /** The section of the job that says so. */
  at: readonly string[];
  /** Ids of job files with errors, of which nothing more is known. */
  unread: ReadonlySet<string>;
}

/** The jobs of which rows are taken; `own` looks at each as its reader needs it. */
function checkDelivering(
  job: Job,
  jobs: readonly Job[],
  { at, unread, ...from }: Delivering,
  own: (source: EventsJob, path: Finding['path']) => Finding[],
): Finding[] {
  const findings: Finding[] = [];
  for (const [i, id] of from.jobs.entries()) {
    const path = [...at, 'jobs', i];
    const source = jobs.find((each) => each.id === id);
    if (source === undefined) {
      if (unread.has(id)) continue;
      const message = `no job file has the id ${id}; people whose rows it delivered before are taken all the same`;
      findings.push({ job, path, message, hint: 'write the id of a job that delivers events', severity: 'warning' });
      continue;
    }
    if (source.pipeline !== 'deliver-events') {
      const message = `${id} does not deliver events (${source.pipeline}), so nobody comes from it`;
      findings.push({ job, path, message, hint: 'write the id of a job that delivers events', severity: 'error' });
      continue;
    }
    findings.push(...own(source, path));
    if (source.file.pgp !== undefined && from.pgp === undefined) {
      const message = `the files of ${source.id} come encrypted, and cannot be read here`;
      findings.push({ job, path, message, hint: `give ${at.join('.')}.pgp the private key`, severity: 'error' });
    }
    const { name, allowedNames, names } = source.event;
    const known = [name ?? [], allowedNames ?? [], Object.values(names ?? {})].flat();
    for (const [n, event] of (from.events ?? []).entries()) {
      if (known.length === 0 || known.includes(event) || from.jobs.length > 1) continue;
      const message = `${source.id} delivers no ${event}, but ${known.join(', ')}`;
      findings.push({ job, path: [...at, 'events', n], message, hint: 'check the spelling', severity: 'warning' });
    }
  }
  return findings;
}
