import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DoctorReport, Step } from '../../src/commands/examine.ts';
import { createLog, realIo } from '../../src/io.ts';
import { recordDedupeProof } from '../../src/ledger/dedupe-proofs.ts';
import { openLedger } from '../../src/ledger/open.ts';
import { openWorld, type World } from './support/e2e-world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld({ remote: 'sftp' });
  world.job('openings');
});
afterAll(() => world.close());

async function doctor(
  args: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<{ code: number | undefined; report: DoctorReport; steps: Step[]; stdout: string }> {
  const { code, stdout, stderr } = await world.cli(['doctor', ...args, '--json'], env);
  expect(stdout, stderr).not.toBe('');
  const report: DoctorReport = JSON.parse(stdout);
  return { code, report, steps: report.examined.flatMap(({ steps }) => steps), stdout };
}

const named = (steps: readonly Step[], name: string): Step[] => steps.filter(({ step }) => step === name);

describe('referry doctor', () => {
  it('tries everything, leaves nothing behind, and says that dedupe was never verified', async () => {
    const { code, stdout } = await world.cli(['doctor']);
    expect(code, stdout).toBe(0);
    expect(stdout).toMatch(/ok {2}host-key {2,}SHA256:\S+ \(ssh-ed25519\) is the trusted key/);
    expect(stdout).toMatch(/ok {2}list, write, rename {2}inbox: 0 files, written, renamed/);
    expect(stdout).toMatch(/ok {4}token accepted/);
    expect(stdout).toContain('account_opened: not verified: until then rows whose delivery is unknown are held');
    expect(stdout).toContain('-> run referry verify-dedupe openings');
    expect(stdout).toContain('Everything works.');
    for (const folder of ['inbox', 'results', 'archive']) expect(world.files(folder)).toEqual([]);
    expect(world.requests()).toEqual([]);
  });

  it('counts no hidden file of the inbox: no run takes it', async () => {
    world.drop('.gitkeep', '');
    world.drop('a.csv', 'x\n');
    const { stdout } = await world.cli(['doctor']);
    expect(stdout).toMatch(/inbox: 1 file, written, renamed/);
    for (const name of ['.gitkeep', 'a.csv']) rmSync(join(world.served, 'inbox', name));
  });

  it('knows the ledger, who holds it, and what verify-dedupe recorded', async () => {
    const ledger = await openLedger(world.ledger, 'daemon', realIo(createLog('silent')));
    try {
      recordDedupeProof(
        ledger,
        { provider: 'extole', account: 'acme', container: 'test' },
        {
          eventName: 'account_opened',
          withinEvent: 'drops',
          acrossEvents: 'keeps',
          evidence: 'e',
          provenAt: Date.now(),
        },
      );
      const { code, steps } = await doctor();
      expect(code).toBe(0);
      expect(named(steps, 'ledger')[0]).toMatchObject({ verdict: 'ok', detail: expect.stringContaining('is sound') });
      expect(named(steps, 'executor')[0]?.detail).toContain(`The daemon (process ${process.pid}`);
      expect(named(steps, 'dedupe')).toMatchObject([
        { verdict: 'ok', detail: expect.stringContaining('a known key is dropped') },
      ]);
    } finally {
      await ledger.close();
    }
  });

  it('shows the line that trusts an unknown server, and gives it no password', async () => {
    world.job('openings', { source: { hostKey: null } });
    const { code, steps, stdout } = await doctor();
    expect(code).toBe(4);
    const [hostKey] = named(steps, 'host-key');
    expect(hostKey).toMatchObject({
      verdict: 'FAIL',
      hint: expect.stringContaining(`hostKey: ${world.sftp?.hostKeyFingerprint}`),
    });
    expect(named(steps, 'login')).toEqual([]);
    expect(stdout).not.toContain('a sandbox password');
  });

  it('tries what it can of a job whose secrets are missing, and exits 2', async () => {
    world.job('openings', { source: { hostKey: null } });
    const { code, steps } = await doctor(['openings'], { SFTP_PASSWORD: '', EXTOLE_TOKEN: '' });
    expect(code).toBe(2);
    const told = named(steps, 'job file').map(({ detail }) => detail);
    expect(told).toEqual([
      expect.stringContaining('source.password: the environment variable SFTP_PASSWORD is empty'),
      expect.stringContaining('destination.extole.token: the environment variable EXTOLE_TOKEN is empty'),
    ]);
    expect(named(steps, 'reach')[0]).toMatchObject({ verdict: 'ok' });
    expect(named(steps, 'host-key')[0]?.hint).toContain(`hostKey: ${world.sftp?.hostKeyFingerprint}`);
    expect(named(steps, 'Extole')[0]?.detail).toContain('not tried');
  });

  it('exits 4 where the token or the password is wrong, a folder is missing, or nobody answers', async () => {
    world.job('openings');
    const token = await doctor([], { EXTOLE_TOKEN: 'wrong' });
    expect([token.code, named(token.steps, 'token accepted')[0]?.verdict]).toEqual([4, 'FAIL']);
    const password = await doctor([], { SFTP_PASSWORD: 'wrong' });
    expect([password.code, named(password.steps, 'login')[0]?.verdict]).toEqual([4, 'FAIL']);
    expect(password.stdout).not.toContain('"wrong"');

    world.job('openings', { source: { url: 'sftp://partner@127.0.0.1:9/inbox' } });
    const nobody = await doctor();
    expect([nobody.code, named(nobody.steps, 'reach')[0]?.verdict]).toEqual([4, 'FAIL']);
  });

  it('lets folders be missing that the first run makes, and not the inbox', async () => {
    world.job('openings', { source: { url: `file://${world.served}/inbox`, password: null, hostKey: null } });
    rmSync(join(world.served, 'results'), { recursive: true });
    const made = await doctor();
    expect(made.code).toBe(0);
    expect(named(made.steps, 'list')).toContainEqual({
      step: 'list',
      verdict: 'warn',
      detail: 'results: is not there yet; the first run makes it',
    });
    rmSync(join(world.served, 'inbox'), { recursive: true });
    const { code, steps } = await doctor();
    expect(code).toBe(4);
    expect(named(steps, 'list')).toContainEqual(expect.objectContaining({ verdict: 'FAIL' }));
  });

  it('refuses a job that there is not', async () => {
    const { code, stderr } = await world.cli(['doctor', 'opnings']);
    expect(code).toBe(2);
    expect(stderr).toContain('there is no job opnings');
    expect(stderr).toContain('openings');
  });
});
