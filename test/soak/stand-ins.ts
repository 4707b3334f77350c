/**
 * Both servers as a process of their own: the partner's SFTP server and the Extole stand-in, which misbehave at random while
 * they are told to. Speaks with the process that forked it.
 */
import { createLog, realIo } from '../../src/io.ts';
import type { FaultName } from '../../src/sandbox/extole/faults.ts';
import { SANDBOX_TOKEN, startExtole } from '../../src/sandbox/extole/server.ts';
import type { Quirks } from '../../src/sandbox/sftp/quirks.ts';
import { startSftpServer } from '../../src/sandbox/sftp/server.ts';
import { seeded } from '../integration/support/seeded.ts';
import { type Order, PASSWORD, type Ready } from './orders.ts';

/** Share of the events that meet each fault: in both kinds, taken and not taken, where a client cannot tell. */
const BAD_ANSWERS: readonly (readonly [number, FaultName])[] = [
  [0.01, '429'],
  [0.004, '500pre'],
  [0.004, '500post'],
  [0.002, '503pre'],
  [0.003, 'resetpre'],
  [0.003, 'resetpost'],
  [0.002, 'cut-headers'],
  [0.002, 'cut-body'],
  [0.002, 'badjson-pre'],
  [0.002, 'badjson-post'],
  [0.001, 'html-pre'],
  [0.001, 'empty-object'],
  [0.003, 'close-idle'],
  [0.0002, 'timeout-pre'],
  [0.0002, 'timeout-post'],
];

const BAD_DAYS: readonly Partial<Quirks>[] = [
  { disconnectAtByte: 3000 },
  { disconnectAtByte: 20_000 },
  { renameReplyLost: true },
  { statFailure: true },
  { failFsync: true },
  { failClose: true },
  { failRename: 'failure' },
  { failWriteAfterBytes: 2000 },
  { truncateSilently: 2000 },
  { stallReads: true },
  { stallAll: true },
  { refuseAuth: true },
  { denyList: '/inbox' },
  { failRead: '/processing' },
  { denyWrite: '/results' },
  { shortReads: 100 },
];

const [root = '', log = '', seed = '1'] = process.argv.slice(2);
const random = seeded(Number(seed));
let faulty = false;

const sftp = await startSftpServer({ root, users: [{ name: 'partner', password: PASSWORD }] });
const extole = await startExtole({
  io: realIo(createLog('silent')),
  log: { path: log },
  requestsPerMinute: Number.POSITIVE_INFINITY,
  faults: ({ body }) => {
    // What verify-dedupe asks is answered: without its verdict nothing unknown is ever sent again.
    if (!faulty || body.includes('"container":"test"')) return undefined;
    let share = random();
    for (const [part, fault] of BAD_ANSWERS) {
      share -= part;
      if (share < 0) return fault;
    }
    return undefined;
  },
});

/** For two seconds in ten the SFTP server is ill in one way, or has just dropped everybody. */
let phase = 0;
const illness = setInterval(() => {
  sftp.clearQuirks();
  phase = (phase + 1) % 5;
  if (!faulty || phase !== 0) return;
  const which = Math.floor(random() * (BAD_DAYS.length + 1));
  const quirks = BAD_DAYS[which];
  if (quirks) Object.assign(sftp.quirks, quirks);
  else sftp.dropConnections();
}, 2000);

process.on('message', (order: Order) => {
  if ('faults' in order) faulty = order.faults;
  else void stop();
});
process.on('disconnect', () => void stop());
process.on('SIGINT', () => {});

async function stop(): Promise<void> {
  clearInterval(illness);
  await sftp.close();
  await extole.close();
  process.exit(0);
}

const ready: Ready = {
  sftpPort: sftp.port,
  hostKey: sftp.hostKeyFingerprint,
  extoleUrl: extole.url,
  token: SANDBOX_TOKEN,
};
process.send?.(ready);
