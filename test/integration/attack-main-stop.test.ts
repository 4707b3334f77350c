import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from './support/e2e-cli.ts';
import { csv, rows } from './support/e2e-rows.ts';
import { openWorld, type World } from './support/e2e-world.ts';

describe('SIGTERM while the SFTP server does not answer', () => {
  let world: World;
  let tarpit: Server | undefined;
  const sockets = new Set<Socket>();
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    tarpit?.close();
    await world.close();
  });

  it('ends a run at once that waits for a connection', async () => {
    world = await openWorld({ remote: 'sftp' });
    tarpit = createServer((socket) => sockets.add(socket));
    const port = await new Promise<number>((done) => {
      const server = tarpit?.listen(0, '127.0.0.1', () => {
        const address = server?.address();
        done(typeof address === 'object' && address ? address.port : 0);
      });
    });
    world.job('feed', { source: { url: `sftp://partner@127.0.0.1:${port}/inbox` } });
    const child = world.start(['run', 'feed', '--json']);
    await until('the connection', () => sockets.size > 0);
    const at = Date.now();
    child.kill('SIGTERM');
    const end = await child.done;
    expect(end.code, end.stderr).toBe(130);
    expect(Date.now() - at).toBeLessThan(5000);
  });

  it('ends a run soon that waits for an answer, and the next one goes on', async () => {
    world = await openWorld({ remote: 'sftp' });
    const sftp = world.sftp;
    if (!sftp) throw new Error('no server');
    world.job('feed', { source: { keepalive: '1s' } });
    world.drop('a.csv', csv(rows('A', 3)));
    world.extole.setFaults(() => {
      sftp.quirks.stallAll = true;
      return undefined;
    });
    const child = world.start(['run', 'feed', '--json']);
    await until('the rows', () => world.requests().length === 3);
    const at = Date.now();
    child.kill('SIGTERM');
    const end = await child.done;
    expect(end.code, end.stderr).toBe(130);
    expect(Date.now() - at).toBeLessThan(20_000);
    sftp.clearQuirks();
    expect((await world.run('feed')).run).toMatchObject({ balanced: true, open: 0 });
    expect(world.requests()).toHaveLength(3);
  });
});
