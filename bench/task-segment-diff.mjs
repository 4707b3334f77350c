// @ts-check
import { createReadStream } from 'node:fs';
import { join } from 'node:path';

/**
 * `task-segment-diff.mjs <confirm|compare> <list> <folder>`: a list of ids becomes what is confirmed in a ledger; or is compared with that,
 * from its first byte to the last difference, and what it took is printed as one JSON line. The built package.
 */
const [how = '', list = '', folder = ''] = process.argv.slice(2);
/** @param {string} path */
const built = (path) => new URL(`../dist/src/${path}.js`, import.meta.url).href;
/** @type {typeof import('../src/io.ts')} */
const { createLog, realIo } = await import(built('io'));
/** @type {typeof import('../src/ledger/open.ts')} */
const { openLedger } = await import(built('ledger/open'));
/** @type {typeof import('../src/ledger/segment-members.ts')} */
const { confirmedMembers, memberWriter } = await import(built('ledger/segment-members'));
/** @type {typeof import('../src/segments/spool.ts')} */
const { createMemberSpool, PARTS } = await import(built('segments/spool'));
/** @type {typeof import('../src/segments/difference.ts')} */
const { differenceOf } = await import(built('segments/difference'));

const ledger = await openLedger(join(folder, 'ledger.sqlite'), 'command', realIo(createLog('error')));
const started = performance.now();
const wanted = await spooled(list);
if (how === 'confirm')
  for (let part = 0; part < PARTS; part++) {
    /** @type {(readonly [number, string])[]} */
    const members = [...wanted.part(part)].map((member) => [part, member]);
    ledger.db.transaction(() => memberWriter(ledger, 1).insert(members)).immediate();
  }
const confirmed = confirmedMembers(ledger, 1);
const sum = { add: 0, remove: 0 };
for (let part = 0; part < PARTS && how === 'compare'; part++) {
  const { add, remove } = differenceOf({ add: wanted.part(part), remove: 'rest' }, confirmed(part));
  sum.add += add.length;
  sum.remove += remove.length;
}
const ms = performance.now() - started;
wanted.close();
await ledger.close();
process.stdout.write(`${JSON.stringify({ ms, ...sum, rss: process.resourceUsage().maxRSS * 1024 })}\n`);

/** @param {string} path */
async function spooled(path) {
  const spool = createMemberSpool(join(folder, `spool-${performance.now()}`));
  let rest = '';
  for await (const chunk of createReadStream(path, { encoding: 'utf8', highWaterMark: 256 * 1024 })) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) spool.add(line);
  }
  return spool;
}
