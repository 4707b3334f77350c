import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { csv, rows } from './support/e2e-rows.ts';
import { openWorld, type World } from './support/e2e-world.ts';
import { fromEnv } from './support/usual-job.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

describe('referry init', () => {
  it('makes a project that check understands, and never overwrites', async () => {
    const folder = join(world.root, 'my project');
    const first = await world.cli(['init', folder]);
    expect(first.code, first.stderr).toBe(0);
    expect(first.stdout).toContain(`cd '${folder}' && referry check`);
    expect(first.stdout).toContain('referry doctor');
    expect(first.stdout).toContain('referry run example --dry-run');
    expect(JSON.parse(readFileSync(join(folder, 'jobs/job.schema.json'), 'utf8'))).toHaveProperty(
      'oneOf.0.properties.source',
    );

    writeFileSync(join(folder, 'jobs/example.yaml'), 'mine');
    rmSync(join(folder, 'README.md'));
    const second = await world.cli(['init', folder]);
    expect(second.code).toBe(0);
    expect(second.stdout).toContain(`made  ${join(folder, 'README.md')}`);
    expect(second.stderr).toContain(`${join(folder, 'jobs/example.yaml')} is there already`);
    expect(readFileSync(join(folder, 'jobs/example.yaml'), 'utf8')).toBe('mine');
  });

  it('leaves nothing for check to say but what has to be filled in', async () => {
    const folder = join(world.root, 'fresh');
    await world.cli(['init', folder]);
    const env = {
      REFERRY_JOBS: join(folder, 'jobs'),
      REFERRY_SFTP_URL: 'sftp://me@localhost/inbox',
      REFERRY_SFTP_PASSWORD: 'secret',
      REFERRY_SFTP_HOST_KEY: `SHA256:${'A'.repeat(43)}`,
    };
    const { code, stdout, stderr } = await world.cli(['check'], env);
    expect(code, stdout + stderr).toBe(0);
    expect(stdout + stderr).toContain('0 errors, 0 warnings');
    expect(stdout).toMatch(/ok {2}example {2}deliver-events .* next 20\d\d-/);
  });

  it('says where it cannot write', async () => {
    writeFileSync(join(world.root, 'a-file'), '');
    const { code, stderr } = await world.cli(['init', join(world.root, 'a-file')]);
    expect(code).toBe(2);
    expect(stderr).toContain('choose a folder that can be written');
  });
});

describe('referry schema', () => {
  it('prints one JSON Schema, or writes it', async () => {
    const printed = await world.cli(['schema']);
    expect(printed.code).toBe(0);
    expect(printed.json()).toMatchObject({ title: 'Referry job', type: 'object' });
    const out = join(world.root, 'job.schema.json');
    const written = await world.cli(['schema', '--out', out]);
    expect(written).toMatchObject({ code: 0, stdout: '' });
    expect(readFileSync(out, 'utf8')).toBe(printed.stdout);
    expect((await world.cli(['schema', '--out', join(world.root, 'nowhere/x.json')])).code).toBe(2);
  });
});

describe('referry check', () => {
  it('lists every problem of every file with its place, what was found and what to do, and the good jobs', async () => {
    world.job('good', { schedule: '*/15 6-22 * * 1-5', timezone: 'America/New_York' });
    writeFileSync(
      join(world.jobs, 'bad.yaml'),
      [
        'pipeline: deliver-event',
        'schedule: "61 * * * *"',
        'source: { url: "ftp://host/inbox", match: "*.txt" }',
        'event: { name: x, key: id, tme: at }',
        `destination: { extole: { account: acme, token: "${fromEnv('NOT_SET_ANYWHERE')}" } }`,
      ].join('\n'),
    );
    const { code, stdout } = await world.cli(['check']);
    const bad = join(world.jobs, 'bad.yaml');
    expect(code).toBe(2);
    expect(stdout).toContain(`${bad}:1:11: error: pipeline: found "deliver-event"`);
    expect(stdout).toMatch(new RegExp(`${bad}:2:\\d+: error: schedule: found "61 `));
    expect(stdout).toMatch(new RegExp(`${bad}:3:\\d+: error: source.url: `));
    expect(stdout).toMatch(new RegExp(`${bad}:4:\\d+: error: event.tme: .*\n {4}-> did you mean time\\?`));
    expect(stdout).toMatch(new RegExp(`${bad}:5:\\d+: error: destination.extole.token: .*NOT_SET_ANYWHERE is not set`));
    expect(stdout).toMatch(
      /ok {2}good {2}deliver-events {2}lane async-events {2}"\*\/15 6-22 \* \* 1-5" America\/New_York {2}next 20/,
    );
    expect(stdout).toMatch(/1 good job, \d errors, 0 warnings\n$/);

    const { code: jsonCode, json } = await world.cli(['check', '--json']);
    expect(jsonCode).toBe(2);
    expect(json()).toMatchObject({
      ok: false,
      jobs: [{ id: 'good', lane: 'async-events', events: ['account_opened'], timezone: 'America/New_York' }],
    });
    rmSync(bad);
    const clean = await world.cli(['check', '--json']);
    expect(clean.code).toBe(0);
    expect(clean.json()).toMatchObject({ ok: true, problems: [] });
  });

  it('says that a job with unfinished rows has vanished, and not where its file only has an error', async () => {
    rmSync(join(world.jobs, 'good.yaml'), { force: true });
    world.job('leaves');
    world.drop('leaves.csv', csv(rows('LEAVES', 3)));
    expect((await world.run('leaves')).code).toBe(0);
    expect((await world.cli(['check'])).code).toBe(0);
    const db = new Database(world.ledger);
    db.exec('DROP TRIGGER delivered_is_final');
    db.exec("UPDATE deliveries SET state = 'unknown', unfinished = 1, event_id = NULL WHERE line = 3");
    db.close();

    writeFileSync(join(world.jobs, 'leaves.yaml'), 'pipeline: deliver-event\n');
    const broken = await world.cli(['check']);
    expect(broken.code).toBe(2);
    expect(broken.stdout).not.toContain('no job file has the id');

    rmSync(join(world.jobs, 'leaves.yaml'));
    const { code, stdout } = await world.cli(['check']);
    expect(code).toBe(2);
    expect(stdout).toContain('no job file has the id leaves, which has 1 open row');
    expect(stdout).toContain('if the file was renamed, write id: leaves into it');

    world.job('renamed', { id: 'leaves' });
    expect((await world.cli(['check'])).code).toBe(0);
  });

  it('says that there is no folder of jobs', async () => {
    const { code, stdout } = await world.cli(['check', '--jobs', join(world.root, 'nowhere')]);
    expect(code).toBe(2);
    expect(stdout).toContain('there is no such folder');
    expect(stdout).toContain('referry init');
  });
});
