import { expect, test } from 'vitest';
import { createLog, realIo } from '../../src/io.ts';
import { closeAll } from '../../src/sandbox/close-all.ts';
import { SANDBOX_TOKEN, startExtole } from '../../src/sandbox/extole/server.ts';
import { serveStandIn } from '../../src/sandbox/stand-in.ts';

test('a stand-in that breaks answers 500, says so in the log, goes on, and rejects when it is stopped', async () => {
  const told: string[] = [];
  const quiet = createLog('silent');
  const error = (_: object, message: string): void => void told.push(message);
  const log = { debug: quiet.debug.bind(quiet), info: quiet.info.bind(quiet), warn: quiet.warn.bind(quiet), error };
  const standIn = await serveStandIn(
    { io: { ...realIo(quiet), log } },
    {
      name: 'a tool',
      answer: ({ path }) => {
        if (path === '/broken') throw new Error('nobody thought of this');
        return { status: 200, body: '{}' };
      },
      errorBody: (status) => JSON.stringify({ status }),
    },
  );
  const broken = await fetch(`${standIn.url}/broken?email=ana@example.com`);
  expect([broken.status, await broken.json()]).toEqual([500, { status: 500 }]);
  expect((await fetch(`${standIn.url}/fine`)).status).toBe(200);
  expect(told).toEqual(['the stand-in for a tool broke at GET /broken: nobody thought of this']);
  await expect(standIn.stop()).rejects.toMatchObject({ code: 'SANDBOX', message: told[0] });
  await expect(fetch(standIn.url)).rejects.toThrow();
});

test('where one of several cannot be closed, the others are, and the error is not lost', async () => {
  const closed: number[] = [];
  const one = (n: number): { close(): Promise<void> } => ({
    close: async () => {
      closed.push(n);
      if (n === 2) throw new Error('two is stuck');
    },
  });
  await expect(closeAll([one(1), one(2), one(3)])).rejects.toThrow('two is stuck');
  expect(closed).toEqual([3, 2, 1]);
});

test("a mistake in Extole's stand-in ends neither the process nor in silence", async () => {
  const extole = await startExtole({ io: realIo(createLog('silent')) });
  extole.setFaults(() => {
    throw new Error('no such fault');
  });
  const headers = { authorization: `Bearer ${SANDBOX_TOKEN}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ event_name: 'opened', data: {} });
  const answer = await fetch(`${extole.url}/v5/events`, { method: 'POST', headers, body });
  expect([answer.status, await answer.json()]).toMatchObject([500, { code: 'software_error' }]);
  await expect(extole.close()).rejects.toMatchObject({
    code: 'SANDBOX',
    message: expect.stringContaining('no such fault'),
  });
});
