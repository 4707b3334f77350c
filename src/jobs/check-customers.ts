import type { Finding } from './check.ts';
import type { Job, LinksJob } from './schema.ts';

/** What can be wrong with `customers` of a job that takes people of rows that other jobs delivered. */
export function checkCustomers(job: LinksJob, jobs: readonly Job[]): Finding[] {
  const { ledger } = job.customers;
  if (ledger === undefined) return [];
  const findings: Finding[] = [];
  for (const [i, id] of ledger.jobs.entries()) {
    const path = ['customers', 'ledger', 'jobs', i];
    const source = jobs.find((each) => each.id === id);
    if (source === undefined) {
      const message = `no job file has the id ${id}; people whose rows it delivered before are taken all the same`;
      findings.push({ job, path, message, hint: 'write the id of a job that delivers events', severity: 'warning' });
    } else if (source.pipeline !== 'deliver-events') {
      const message = `${id} does not deliver events (${source.pipeline}), so nobody comes from it`;
      findings.push({ job, path, message, hint: 'write the id of a job that delivers events', severity: 'error' });
    } else findings.push(...checkSource(job, source, path));
  }
  return findings;
}

function checkSource(
  job: LinksJob,
  source: Extract<Job, { pipeline: 'deliver-events' }>,
  path: Finding['path'],
): Finding[] {
  const findings: Finding[] = [];
  if (source.retention.days === 0) {
    const message = `${source.id} keeps no staged file once its rows are final (retention.days: 0), and the people of its rows are in those alone`;
    findings.push({ job, path, message, hint: 'set retention.days there to a few days', severity: 'error' });
  }
  if (source.file.pgp !== undefined && job.customers.ledger?.pgp === undefined) {
    const message = `the files of ${source.id} come encrypted, and cannot be read here`;
    findings.push({ job, path, message, hint: 'give customers.ledger.pgp the private key', severity: 'error' });
  }
  const { name, allowedNames, names } = source.event;
  const known = [name ?? [], allowedNames ?? [], Object.values(names ?? {})].flat();
  for (const [i, event] of (job.customers.ledger?.events ?? []).entries()) {
    if (known.length === 0 || known.includes(event) || (job.customers.ledger?.jobs.length ?? 0) > 1) continue;
    const message = `${source.id} delivers no ${event}, but ${known.join(', ')}`;
    const at = ['customers', 'ledger', 'events', i];
    findings.push({ job, path: at, message, hint: 'check the spelling', severity: 'warning' });
  }
  return findings;
}
