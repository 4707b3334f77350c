// @ts-check
import { join } from 'node:path';
import { Pool } from 'undici';

/**
 * Adds members to a cohort of Braze's stand-in and prints what it took, as one JSON line: `task-segment-sync.mjs <ours|bare> <members>
 * <url> <folder> <atOnce>`. Ours is the built package with its ledger; bare is a loop of the same calls, `atOnce` of them under way.
 */
const [how = '', count = '', url = '', folder = '', atOnce = '1'] = process.argv.slice(2);
const ids = Array.from({ length: Number(count) }, (_, n) => `member-${((n * 7919) % 99_999_989).toString(36)}-${n}`);
const A_CALL = 1000;
const keys = { partner_api_key: 'partner-key', client_secret: 'import-key' };

const ms = how === 'bare' ? await bare() : await ours();
process.stdout.write(`${JSON.stringify({ ms, rss: process.resourceUsage().maxRSS * 1024 })}\n`);

async function bare() {
  const pool = new Pool(url);
  /** @param {string} path @param {object} body */
  const post = async (path, body) => {
    const reply = await pool.request({
      ...{ path: `/partners/heap${path}`, method: 'POST', headers: { 'content-type': 'application/json' } },
      body: JSON.stringify({ ...keys, ...body }),
    });
    await reply.body.json();
    if (reply.statusCode !== 201) throw new Error(`${path} answered ${reply.statusCode}`);
  };
  await post('/cohorts', { cohort_id: 'vip', name: 'VIP', created_at: '2026-11-21T00:00:00.000Z' });
  const started = performance.now();
  let at = 0;
  const loop = async () => {
    while (at < ids.length) {
      const user_ids = ids.slice(at, at + A_CALL);
      at += A_CALL;
      await post('/cohorts/users', { cohort_id: 'vip', cohort_changes: [{ user_ids }] });
    }
  };
  await Promise.all(Array.from({ length: Number(atOnce) }, loop));
  const took = performance.now() - started;
  await pool.close();
  return took;
}

async function ours() {
  /** @param {string} path */
  const built = (path) => new URL(`../dist/src/${path}.js`, import.meta.url).href;
  /** @type {typeof import('../src/io.ts')} */
  const { createLog, realIo } = await import(built('io'));
  /** @type {typeof import('../src/ledger/open.ts')} */
  const { openLedger } = await import(built('ledger/open'));
  /** @type {typeof import('../src/ledger/registry.ts')} */
  const { destinationId } = await import(built('ledger/registry'));
  /** @type {typeof import('../src/ledger/segments.ts')} */
  const { ensureSegment } = await import(built('ledger/segments'));
  /** @type {typeof import('../src/destinations/braze/cohorts/settings.ts')} */
  const { brazeMembershipSettings } = await import(built('destinations/braze/cohorts/settings'));
  /** @type {typeof import('../src/destinations/braze/cohorts/open.ts')} */
  const { createBrazeMembership } = await import(built('destinations/braze/cohorts/open'));
  /** @type {typeof import('../src/pipelines/sync-segment/sync.ts')} */
  const { carryOut, judgeSync } = await import(built('pipelines/sync-segment/sync'));
  /** @type {typeof import('../src/segments/spool.ts')} */
  const { createMemberSpool } = await import(built('segments/spool'));

  const io = realIo(createLog('error'));
  const ledger = await openLedger(join(folder, 'ledger.sqlite'), 'command', io);
  const cohort = { partner: 'heap', partnerApiKey: 'partner-key', clientSecret: 'import-key', requestsPerHour: 1e8 };
  const target = createBrazeMembership(brazeMembershipSettings.parse({ account: 'bench', url, cohort }), io);
  const identity = { provider: 'braze', account: 'bench', container: 'cohort' };
  const place = { destinationId: destinationId(ledger, identity), name: 'vip', job: 'bench', idKind: 'userId' };
  const spool = createMemberSpool(join(folder, 'spool'));
  for (const id of ids) spool.add(id);
  const ctx = {
    ...{ ledger, io, signal: new AbortController().signal, hash: () => '', maxAttempts: 1, backoffMs: () => 1000 },
    ...{ failedMaxAge: 1e12, scratch: folder, applied: () => {}, crashPoint: () => {} },
  };
  /** @type {import('../src/pipelines/sync-segment/sync.ts').SyncRequest} */
  const request = {
    ...{ segment: ensureSegment(ledger, place, io.now()), name: 'VIP', target, processing: null, released: false },
    wanted: {
      kind: 'snapshot',
      listed: ids.length,
      vouched: true,
      part: (n) => ({ add: spool.part(n), remove: 'rest' }),
    },
    rules: { maxShrink: 1, maxGrowth: 1, unvouched: 'accept', adopt: false },
  };
  const judged = await judgeSync(ctx, request);
  const started = performance.now();
  const end = await carryOut(ctx, request, judged);
  const took = performance.now() - started;
  if (end.kind !== 'done') throw new Error(`the sync ended ${JSON.stringify(end)}`);
  await target.close();
  await ledger.close();
  return took;
}
