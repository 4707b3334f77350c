import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newKeyPair } from '../../src/sandbox/sftp/server.ts';
import { type CliResult, startCli, until } from '../integration/support/e2e-cli.ts';
import { encryptTo, type KeyFiles, makeKeys } from '../integration/support/e2e-pgp.ts';
import { csv, row } from '../integration/support/e2e-rows.ts';
import { PATIENT } from '../integration/support/e2e-world.ts';
import { type LaneWorld, openLaneWorld } from '../integration/support/lane-world.ts';
import {
  type HttpListener,
  listenHttp,
  listenSmtp,
  type SmtpListener,
} from '../integration/support/notices-listeners.ts';
import { fromFile } from '../integration/support/usual-job.ts';
import { filesBelow, findMarks, openToOthers } from './support/state-search.ts';

const SECRETS = {
  token: 'CANARY-extole-token-4711',
  password: 'a sandbox password',
  wrongPassword: 'CANARY-sftp-wrong-password',
  passphrase: 'CANARY-pgp-passphrase',
  keyPassphrase: 'CANARY-key-passphrase',
  slack: 'CANARY-slack-path',
  hook: 'CANARY-hook-secret-of-both',
  smtp: 'CANARY-smtp-password',
  routing: 'CANARY-routing-key',
};
const PERSON = 'ana.canary@private.example';
const PHONE = '+1 212 555 0142';

/** Umask 0: what is private is made so, and not by luck. */
const LAX = ['sh', '-c', 'umask 000; exec "$@"', 'sh'];

describe('a secret and a person, through every lane and command, whether they succeed or fail', () => {
  let lane: LaneWorld;
  let pgp: KeyFiles;
  let http: HttpListener;
  let smtp: SmtpListener;
  let keyLine = '';
  const said: { args: string; stdout: string; stderr: string }[] = [];
  const secret = (name: string): string => fromFile(join(lane.world.root, 'secrets', name));
  const env = (): Record<string, string> => ({
    REFERRY_JOBS: lane.world.jobs,
    REFERRY_STATE: lane.world.state,
    REFERRY_LOG_LEVEL: 'debug',
  });
  const cli = async (...args: string[]): Promise<CliResult> => {
    const result = await startCli(args, env(), LAX).done;
    said.push({ args: args.join(' '), stdout: result.stdout, stderr: result.stderr });
    return result;
  };
  const marks = (): string[] => [...Object.values(SECRETS), keyLine, PERSON, PHONE, '555 0142', 'M-ANA'];

  const people = (prefix: string): string =>
    csv([1, 2, 3, 4].map((n) => row(`${prefix}-${n}`, { email: PERSON, member: 'M-ANA' }))) +
    `${prefix}-9,${PERSON},M-ANA,not a time,${PHONE}\n`;

  beforeAll(async () => {
    lane = await openLaneWorld({
      lane: 'sftp',
      remote: 'sftp',
      tokens: [SECRETS.token],
      extole: { batches: { walk: ['PENDING', 'FAILED'], errorMessage: `${PERSON}, ${PHONE}: could not be read` } },
    });
    const { world } = lane;
    [http, smtp] = await Promise.all([listenHttp(), listenSmtp()]);
    pgp = await makeKeys(world.root, 'ours', SECRETS.passphrase);
    mkdirSync(join(world.root, 'secrets'));
    const put = (name: string, text: string) =>
      writeFileSync(join(world.root, 'secrets', name), `${text}\n`, { mode: 0o600 });
    for (const [name, text] of Object.entries(SECRETS)) put(name, text);
    const key = newKeyPair();
    keyLine = key.private.split('\n')[2] ?? '';
    put('key', key.private);
    put('slack', `${http.url}/${SECRETS.slack}`);
    put('smtp', `${smtp.url.replace('://', `://us:${SECRETS.smtp}@`)}`);
    const notify = [
      { slack: { url: secret('slack') } },
      { webhook: { url: `${http.url}/hook`, secret: secret('hook') } },
      { email: { smtp: secret('smtp'), from: 'a@bank.example', to: 'b@bank.example' } },
      { pagerduty: { routingKey: secret('routing'), url: `${http.url}/pagerduty` } },
    ];
    const extole = (own: object) => ({
      destination: { extole: { token: secret('token'), ...own } },
      notify,
      delivery: { ...PATIENT, maxAttempts: 1 },
    });
    const password = secret('password');
    const upload = { wait: '10s', poll: '100ms', stable: '250ms' };
    world.job('rows', { source: { match: 'rows-*.csv', password }, ...extole({}) });
    world.job('batch', {
      source: { match: 'batch-*.csv', password },
      ...extole({ lane: 'batch', batch: { settle: '300ms' }, upload }),
    });
    world.job('byhand', {
      source: { match: 'byhand-*.csv', password },
      ...extole({ lane: 'folder', folder: { path: join(world.root, 'by-hand') } }),
    });
    world.job('feed', {
      source: { match: 'feed-*.csv', password },
      ...extole({ lane: 'sftp', sftp: lane.world.extoleSftp?.settings, upload }),
    });
    world.job('sealed', {
      source: { match: 'sealed-*.pgp', password },
      file: { pgp: { privateKey: fromFile(pgp.secret), passphrase: secret('passphrase') } },
      ...extole({}),
    });
    // Those that fail before anything is sent.
    world.job('nologin', { source: { match: 'nologin-*', password: secret('wrongPassword') }, ...extole({}) });
    world.job('nokey', {
      source: { match: 'nokey-*', password: null, privateKey: secret('key'), passphrase: secret('keyPassphrase') },
      ...extole({}),
    });
    world.job('nopgp', {
      source: { match: 'nopgp-*', password },
      file: { pgp: { privateKey: fromFile(pgp.secret), passphrase: secret('wrongPassword') } },
      ...extole({}),
    });
    world.drop('rows-1.csv', people('R'));
    world.drop('batch-1.csv', people('B'));
    world.drop('byhand-1.csv', people('H'));
    world.drop('feed-1.csv', people('F'));
    world.drop('sealed-1.pgp', await encryptTo(pgp, people('S')));
    // A destination that repeats all it was told, and who told it.
    let turn = 0;
    const echo = (body: string): string =>
      JSON.stringify({
        code: 'invalid',
        message: `${SECRETS.token} may not send ${PERSON}, ${PHONE}: ${body}`,
        unique_id: SECRETS.token,
      });
    world.extole.setFaults(({ path, body }) => {
      if (!path.includes('events')) return undefined;
      turn += 1;
      const status = [400, 500, 408, 200][turn % 4] ?? 200;
      return status === 200
        ? undefined
        : { kind: 'status', status, body: echo(body), headers: { 'x-extole-error-message': echo('') } };
    });
  });
  afterAll(async () => {
    await http[Symbol.asyncDispose]();
    await smtp[Symbol.asyncDispose]();
    await lane.world.close();
  });

  it('X10, X11, X20: goes through them all', async () => {
    for (const job of ['rows', 'batch', 'byhand', 'feed', 'sealed', 'nologin', 'nokey', 'nopgp'])
      await cli('run', job, '--json');
    expect(lane.world.files('results').length).toBeGreaterThanOrEqual(3);
    lane.world.extole.setFaults(({ body }) => ({
      kind: 'status',
      status: 403,
      body: JSON.stringify({ code: 'x', message: `${SECRETS.token} ${PERSON} ${body}` }),
    }));
    lane.world.drop('rows-2.csv', people('R2'));
    expect((await cli('run', 'rows')).code).toBe(4);
    lane.world.extole.setFaults(undefined);
    const commands = [
      'check',
      'status',
      'held',
      'files',
      'explain R-1',
      'explain R-9',
      'explain R-3 --json',
      'notify-test rows',
      'report rows',
      'nonsense',
    ];
    const backups = join(lane.world.root, 'backups');
    const doctors = ['rows', 'nologin', 'nokey', 'nopgp', 'feed'].map((job) => ['doctor', job]);
    // One after the other, those that execute would be in each other's way; the others only look.
    await cli('prune', '--dry-run');
    await cli('forget', 'bea.canary@private.example');
    await Promise.all(
      [...commands.map((command) => command.split(' ')), ['backup', '--to', backups], ...doctors].map((args) =>
        cli(...args),
      ),
    );
    lane.world.drop('rows-3.csv', people('R3'));
    await cli('run', 'rows', '--dry-run');
    // A job file with faults, beside the secrets that it names.
    lane.world.job('wrong', {
      source: { match: 7, password: secret('password') },
      destination: { extole: { token: secret('token'), account: 5, apiUrl: secret('token'), lane: secret('token') } },
      notify: [{ slack: { url: secret('routing') } }],
    });
    expect((await cli('check')).code).toBe(2);
    await cli('run', 'wrong');
  }, 120_000);

  it('X10: no command line and no environment of a process of ours holds a secret that was given by file, also while it works', async () => {
    lane.world.job('wrong', { source: { match: 'none' }, notify: [] });
    lane.world.extole.setFaults(() => ({ kind: 'slow', ms: 1500 }));
    const daemon = startCli(['daemon', '--listen', '127.0.0.1:0'], env(), LAX);
    const url = await until('the daemon to listen', () => /listening on (http:\S+)/.exec(daemon.told().stderr)?.[1]);
    const run = startCli(['run', 'rows', '--json'], env(), LAX);
    await until('rows on the wire', () => (lane.world.requests().length > 0 ? true : undefined));
    const known = (pid: number): string =>
      ['cmdline', 'environ', 'comm'].map((name) => readFileSync(`/proc/${pid}/${name}`, 'latin1')).join('\n');
    const processes = known(daemon.pid) + known(run.pid);
    const children = readFileSync(`/proc/${daemon.pid}/task/${daemon.pid}/children`, 'utf8');
    expect(children.trim()).toBe('');
    for (const page of ['healthz', 'readyz', 'metrics', 'nothing'])
      said.push({ args: page, stdout: await (await fetch(`${url}/${page}`)).text(), stderr: processes });
    lane.world.extole.setFaults(undefined);
    said.push({ args: 'run, asked of the daemon', ...(await run.done) });
    await until('notices', () => (http.received.length > 0 ? true : undefined));
    daemon.kill('SIGTERM');
    said.push({ args: 'daemon', ...(await daemon.done) });
  });

  it('X10: a report that Node.js writes of a process leaves the environment out', async () => {
    const folder = join(lane.world.root, 'node-reports');
    mkdirSync(folder);
    const more = {
      ...env(),
      EXTOLE_TOKEN: SECRETS.token,
      NODE_OPTIONS: `--report-on-signal --report-signal=SIGUSR2 --report-directory=${folder}`,
    };
    const daemon = startCli(['daemon'], more);
    await until('the daemon to be ready', () => (daemon.told().stderr.includes('referry: ready') ? true : undefined));
    daemon.kill('SIGUSR2');
    const report = await until('a report', () => {
      const [name] = readdirSync(folder);
      const text = name === undefined ? '' : readFileSync(join(folder, name), 'utf8');
      return text.trimEnd().endsWith('}') ? text : undefined;
    });
    daemon.kill('SIGTERM');
    await daemon.done;
    expect(report).toContain('"nodejsVersion"');
    expect(report).not.toContain(SECRETS.token);
  });

  it('X10: neither stands in what was printed or logged, in notices, or in reports', () => {
    const telling = said.flatMap(({ args, stdout, stderr }) =>
      marks()
        .filter((mark) => mark !== '' && `${stdout}\n${stderr}`.includes(mark))
        .map(
          (mark) =>
            `${args}: ${mark} in ${`${stdout}\n${stderr}`
              .split('\n')
              .find((line) => line.includes(mark))
              ?.slice(0, 300)}`,
        ),
    );
    expect(telling).toEqual([]);
    expect(said.filter(({ stdout, stderr }) => stdout + stderr === '')).toEqual([]);
    expect(findMarks(join(lane.world.served, 'reports'), marks())).toEqual([]);
    const told = [...http.all.map(({ body }) => body), ...smtp.mails.map(({ raw }) => raw)].join('\n');
    const { slack: _, ...others } = SECRETS;
    expect(told).not.toBe('');
    // PagerDuty is told its own key, and nothing else.
    for (const mark of [...Object.values(others), PERSON, PHONE].filter((each) => each !== SECRETS.routing))
      expect(told).not.toContain(mark);
  });

  it('X10, X20: secrets stand in no file of ours, and a person in staged inputs and results only', () => {
    const { state, root } = lane.world;
    const own = (found: string): boolean => /^staging\/p\d+\/(?:input|results\.|upload|reasons)/.test(found);
    const secrets = [...Object.values(SECRETS), keyLine];
    expect(findMarks(state, secrets)).toEqual([]);
    expect(findMarks(state, [PERSON, PHONE, 'M-ANA']).filter((found) => !own(found))).toEqual([]);
    expect(findMarks(join(root, 'backups'), marks())).toEqual([]);
    expect(findMarks(join(lane.world.served, 'results'), secrets)).toEqual([]);
    // What came encrypted lies nowhere in clear.
    expect(findMarks(state, ['S-1,', 'S-9,'])).toEqual([]);
  });

  it('X11: what is made is private, whatever the umask: 0700 for folders, 0600 for files', () => {
    const { state, root } = lane.world;
    expect(filesBelow(state).length).toBeGreaterThan(4);
    expect(existsSync(join(state, 'ledger.sqlite.lock'))).toBe(true);
    expect(openToOthers(state)).toEqual([]);
    expect(openToOthers(join(root, 'backups'))).toEqual([]);
    // The file itself is for a person to read; the folder is private until somebody opens it.
    expect(openToOthers(join(root, 'by-hand'))).toEqual([expect.stringMatching(/^\/acme_\S+\.csv 644$/)]);
  });

  it('X11: a staging folder that is open to others, as a copy of a state folder may be, is closed before anything is put there', async () => {
    const staging = join(lane.world.state, 'staging');
    chmodSync(staging, 0o755);
    const told = await cli('run', 'rows');
    expect(told.stderr).toContain('was open to other users (mode 755); it has mode 700 now');
    expect(openToOthers(lane.world.state)).toEqual([]);
  });

  it('X11: a ledger that others may read is refused, with the command that puts it right', async () => {
    const ledger = join(lane.world.state, 'ledger.sqlite');
    chmodSync(ledger, 0o640);
    const told = await cli('run', 'rows');
    expect([told.code, told.stderr]).toEqual([2, expect.stringMatching(/LEDGER_READABLE_BY_OTHERS[\s\S]*chmod 600/)]);
    chmodSync(ledger, 0o600);
  });
});
