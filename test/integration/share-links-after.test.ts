import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { parse } from 'csv-parse/sync';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLog, realIo } from '../../src/io.ts';
import { loadJobs } from '../../src/jobs/load.ts';
import { openLedgerForReading } from '../../src/ledger/open.ts';
import { type IterableStandIn, startIterable } from '../../src/sandbox/iterable/server.ts';
import { findMatters } from '../../src/schedule/matters.ts';
import { openWorld, type World } from './support/e2e-world.ts';
import { customers, ledgerLinks, linksJob, people } from './support/links-job.ts';
import type { Json } from './support/usual-job.ts';

let world: World;
let iterable: IterableStandIn;
let keys = 0;
beforeEach(async () => {
  world = await openWorld();
  keys += 1;
  iterable = await startIterable({ io: realIo(createLog('silent')), keys: [`run-${keys}`] });
  mkdirSync(join(world.served, 'outbox'));
});
afterEach(async () => {
  await iterable.stop();
  await world.close();
});

const outbox = (): string[] => readdirSync(join(world.served, 'outbox')).sort();
const exported = (name: string): Record<string, string>[] =>
  parse(readFileSync(join(world.served, 'outbox', name)), { columns: true });

function job(exports: readonly Json[], push: readonly Json[] = []): void {
  const to = { url: `file://${world.served}/outbox` };
  linksJob(world, 'links', { exports: exports.map((each) => ({ to, ...each })), push: [...push] });
}

const toIterable = (fields: Json = { share_link: '{link}' }): Json => ({
  ...{ provider: 'iterable', account: 'acme', apiKey: `run-${keys}`, url: iterable.url, fields },
});

/** What people would be told of now, or in so many hours, of what is about targets. */
async function told(hours = 0): Promise<string[]> {
  const { jobs } = await loadJobs(world.jobs, world.env);
  const ledger = await openLedgerForReading(world.ledger);
  const [links] = jobs;
  if (!ledger || !links) throw new Error('no ledger, or no job');
  try {
    const { matters } = findMatters(ledger, links, [], { at: 0, run: 0 }, Date.now() + hours * 3_600_000);
    return matters.flatMap(({ kind, subject }) => (/export|target/.test(kind) ? [`${kind} ${subject}`] : []));
  } finally {
    await ledger.close();
  }
}

describe('exports and pushes of a run', { timeout: 300_000 }, () => {
  it('carry the links of this run, with columns of the customer file, and are in the account, the report and the status', async () => {
    const columns = { email: '{email}', name: '{first_name} {last}', link: '{link}' };
    job(
      [
        { format: 'plain-csv', fileName: 'links.csv', columns },
        { format: 'hubspot-csv', fileName: 'hub.csv', company: 'Acme' },
      ],
      [toIterable({ share_link: '{link}', first: '{first_name}' })],
    );
    world.drop('c.csv', customers(...people('ann', 5)));
    const { code, stderr, run } = await world.run('links');
    expect(code, stderr).toBe(0);
    expect(run).toMatchObject({
      exports: [
        { target: 'plain-csv', rows: 5, state: 'published' },
        { target: 'hubspot-csv', rows: 5 },
      ],
      pushes: [{ target: 'iterable', counts: { read: 5, delivered: 5 } }],
    });
    const links = new Map(ledgerLinks(world).map(({ email, link }) => [email, link]));
    expect(exported('links.csv')).toEqual(
      [0, 1, 2, 3, 4].map((n) => {
        const email = `ann${n}@example.com`;
        return { email, name: `ann Lee${n}`, link: links.get(email) };
      }),
    );
    expect(exported('hub.csv')[0]).toMatchObject({ email: 'ann0@example.com', company: 'Acme' });
    expect(iterable.project.users.get('ann3@example.com')).toEqual({
      share_link: links.get('ann3@example.com'),
      first: 'ann',
    });
    const reports = readdirSync(join(world.served, 'reports'));
    const page = reports.find((name) => name.endsWith('.html') && !name.includes('.day.'));
    expect(readFileSync(join(world.served, 'reports', page ?? ''), 'utf8')).toContain('Files for import');
    const { stdout } = await world.cli(['status']);
    expect(stdout).toContain('plain-csv: 5 rows');
    expect(stdout).toContain('iterable: 5 profiles');
    // No column of the customer file is in the ledger, and none stays in a file of its own.
    expect(readFileSync(world.ledger).includes('Lee3')).toBe(false);
    expect(readdirSync(join(world.state, 'staging', 'exports'))).toEqual([]);
  });

  it('go out without a new file as well, and say nothing where nothing changed', async () => {
    job([]);
    world.drop('c.csv', customers(...people('ann', 2)));
    await world.run('links');
    job([{ format: 'klaviyo-csv', fileName: 'k.csv' }], [toIterable()]);
    expect((await world.run('links')).run).toMatchObject({
      files: [],
      exports: [{ rows: 2 }],
      pushes: [{ counts: { delivered: 2 } }],
    });
    const reports = readdirSync(join(world.served, 'reports')).length;
    const { run, code } = await world.run('links');
    expect(run).not.toHaveProperty('exports');
    expect(code).toBe(0);
    expect(readdirSync(join(world.served, 'reports'))).toHaveLength(reports);
  });

  it('a snapshot that has shrunk waits: told of, let go by a decision that is kept, and then in place', async () => {
    job([{ format: 'plain-csv', kind: 'snapshot', fileName: 'all.csv', columns: { email: '{email}' } }]);
    world.drop('c.csv', customers(...people('ann', 10)));
    await world.run('links');
    const db = new Database(world.ledger);
    db.pragma('foreign_keys = ON');
    db.exec('DELETE FROM links WHERE id > 4');
    db.close();
    const held = await world.run('links');
    expect(held.code).toBe(3);
    expect(held.run).toMatchObject({ exports: [{ export: 'e2', state: 'held', rows: 4 }] });
    expect(exported('all.csv')).toHaveLength(10);
    const { stdout } = await world.cli(['held']);
    expect(stdout).toContain('referry release e2');
    expect((await world.cli(['status'])).stdout).toContain('the export plain-csv is held (EXPORT_SHRUNK)');
    expect(await told()).toEqual(['export-held e2']);
    const look = await world.cli(['release', 'e2', '--dry-run']);
    expect(look.stdout).toContain('export plain-csv');
    expect(exported('all.csv')).toHaveLength(10);
    const done = await world.cli(['release', 'e2', '--reason', 'the branch is closed', '--json']);
    expect(done.code, done.stderr).toBe(0);
    expect(exported('all.csv')).toHaveLength(4);
    expect((await world.cli(['held'])).stdout).toContain('Nothing waits');
    const again = await world.cli(['release', 'e2', '--reason', 'twice']);
    expect(again.code).toBe(2);
    const kept = new Database(world.ledger, { readonly: true });
    expect(kept.prepare('SELECT verb, job, rows, reason, scope FROM decisions').all()).toEqual([
      { verb: 'release', job: 'links', rows: 4, reason: 'the branch is closed', scope: '{"export":"e2"}' },
    ]);
    kept.close();
    expect(outbox()).toEqual(['all.csv', 'all.csv.manifest.json']);
    expect(await told()).toEqual([]);
  });

  it('tell of a tool that refuses the key, until a run gets through; other targets go on', async () => {
    job([{ format: 'plain-csv', fileName: 'links.csv', columns: { email: '{email}' } }], [toIterable()]);
    world.drop('c.csv', customers(...people('ann', 3)));
    iterable.setKeys([]);
    const { code, run } = await world.run('links');
    expect(code).toBe(4);
    expect(run).toMatchObject({ exports: [{ rows: 3 }], pushes: [{ state: 'open', counts: { open: 3 } }] });
    expect(await told()).toEqual(['target-stopped push iterable']);
    expect((await world.cli(['status'])).stdout).toContain('iterable: nothing so far; open, stopped: UNAUTHORIZED');
    iterable.setKeys([`run-${keys}`]);
    expect((await world.run('links')).code).toBe(0);
    expect(await told()).toEqual([]);
    expect(iterable.project.users.size).toBe(3);
  });

  it('tell of an outage of a tool only where it lasts for a day', async () => {
    job([], [{ ...toIterable(), patience: '50ms', backoff: { first: '5ms', cap: '20ms' } }]);
    world.drop('c.csv', customers(...people('ann', 3)));
    iterable.setFaults(() => '503pre');
    expect((await world.run('links')).run).toMatchObject({
      pushes: [{ state: 'open', why: { code: 'SERVER_ERROR' } }],
    });
    expect(await told()).toEqual([]);
    expect(await told(23)).toEqual([]);
    expect(await told(25)).toEqual(['target-stopped push iterable']);
    iterable.setFaults(undefined);
    await world.run('links');
    expect(await told(25)).toEqual([]);
  });

  it('follow also where Extole refuses the token, from what is known', async () => {
    job([]);
    world.drop('c.csv', customers(...people('ann', 3)));
    await world.run('links');
    job([{ format: 'plain-csv', fileName: 'links.csv', columns: { email: '{email}' } }]);
    world.drop('d.csv', customers(...people('bob', 3)));
    const { code, run } = await world.run('links', { EXTOLE_TOKEN: 'another' });
    expect(code).toBe(4);
    expect(run).toMatchObject({ halted: { code: 'UNAUTHORIZED' }, exports: [{ rows: 3 }] });
  });
});
