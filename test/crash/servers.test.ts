import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { seeded } from '../integration/support/seeded.ts';
import { faultMix } from './servers/extole-faults.ts';
import { startServers } from './servers/open.ts';

const roots: string[] = [];
afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true, force: true });
});

function newRoot(): string {
  const root = mkdtempSync(join(tmpdir(), 'referry-servers-'));
  roots.push(root);
  return root;
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('the servers of the crash harness', { timeout: 60_000 }, () => {
  it('have each request on record before its answer can be read, and more than one world', async () => {
    const servers = startServers();
    try {
      const [one, other] = await Promise.all([servers.open({ root: newRoot() }), servers.open({ root: newRoot() })]);
      await one.fail('500post', 'badjson-pre');
      const send = async (url: string, id: string): Promise<number> => {
        const { status } = await fetch(`${url}/v6/async-events`, {
          method: 'POST',
          headers: {
            authorization: `Bearer ${one.extole.token}`,
            'content-type': 'application/json',
            'x-request-id': id,
          },
          body: JSON.stringify({
            event_name: 'a',
            event_time: '2026-11-20T10:00:00Z',
            data: { partner_conversion_id: id, email: 'a@private.example' },
          }),
        });
        return status;
      };
      for (const [i, id] of ['x-1', 'x-2', 'x-3'].entries()) {
        await send(one.extole.url, id).catch(() => 0);
        expect(one.requests().map(({ requestId }) => requestId)).toHaveLength(i + 1);
      }
      expect(one.requests().map(({ fault, accepted }) => [fault, accepted])).toEqual([
        ['500post', true],
        ['badjson-pre', false],
        [undefined, true],
      ]);
      expect(other.requests()).toEqual([]);
      await one.close();
      expect(await send(other.extole.url, 'y-1')).toBe(200);
    } finally {
      await servers.stop();
    }
  });

  it('end with the process that started them, also when it is killed', async () => {
    const here = JSON.stringify(new URL('./servers/open.ts', import.meta.url).href);
    const program = `
      const { startServers } = await import(${here});
      const servers = startServers();
      await servers.open({ root: ${JSON.stringify(newRoot())} });
      process.stdout.write(servers.pids.join(',') + '\\n');
      setInterval(() => {}, 1000);`;
    const harness = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      const [line]: Buffer[] = await once(harness.stdout, 'data');
      const pids = String(line).trim().split(',').map(Number);
      expect(pids.map(isAlive)).toEqual([true, true]);
      harness.kill('SIGKILL');
      await expect.poll(() => pids.some(isAlive), { timeout: 15_000 }).toBe(false);
    } finally {
      harness.kill('SIGKILL');
    }
  });

  it('lie in the same order for the same seed, and in both ways about what they took', () => {
    const play = (seed: number): string[] => {
      const next = faultMix(seeded(seed), 0.5);
      const request = { seq: 1, method: 'POST', path: '/', requestId: '', body: '' };
      return Array.from({ length: 2000 }, () => {
        const fault = next(request);
        return typeof fault === 'object' ? fault.kind : (fault ?? '');
      });
    };
    expect(play(4)).toEqual(play(4));
    expect(play(4)).not.toEqual(play(5));
    const seen = new Set(play(6));
    for (const kind of ['500', 'reset', 'badjson-', 'html-', 'timeout-'])
      expect([seen.has(`${kind}pre`), seen.has(`${kind}post`)], kind).toEqual([true, true]);
  });
});
