// @ts-check
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Pushes the links of so many people out of a ledger to a tool, as a run does after its rows, and prints what it took, as one JSON line:
 * `task-push.mjs <folder> <rows> <target>`. The built package, as it is published. The types of the sources are checked, so that this
 * program cannot fall behind them.
 */
const [folder = '', count = '', target = '{}'] = process.argv.slice(2);
const rows = Number(count);

/** @param {string} path */
const built = (path) => new URL(`../dist/src/${path}.js`, import.meta.url).href;
/** @type {typeof import('../src/io.ts')} */
const { createLog, realIo } = await import(built('io'));
/** @type {typeof import('../src/ledger/open.ts')} */
const { openLedger } = await import(built('ledger/open'));
/** @type {typeof import('../src/ledger/links.ts')} */
const { openLinkBook } = await import(built('ledger/links'));
/** @type {typeof import('../src/ledger/registry.ts')} */
const { destinationId } = await import(built('ledger/registry'));
/** @type {typeof import('../src/jobs/push-targets.ts')} */
const { pushTargets } = await import(built('jobs/push-targets'));
/** @type {typeof import('../src/remotes/open.ts')} */
const { openRemote } = await import(built('remotes/open'));
/** @type {typeof import('../src/remotes/settings.ts')} */
const { remoteSettings } = await import(built('remotes/settings'));
/** @type {typeof import('../src/pipelines/files/logins.ts')} */
const { loginWatch } = await import(built('pipelines/files/logins'));
/** @type {typeof import('../src/pipelines/export-share-links/after-rows.ts')} */
const { afterRows } = await import(built('pipelines/export-share-links/after-rows'));

await mkdir(join(folder, 'served'), { recursive: true });
await mkdir(join(folder, 'staging'), { recursive: true });
const io = realIo(createLog('error'));
const { signal } = new AbortController();
const ledger = await openLedger(join(folder, 'ledger.sqlite'), 'command', io);
const place = {
  destinationId: destinationId(ledger, { provider: 'extole', account: 'bench', container: 'production' }),
  label: 'refer',
};
const book = openLinkBook(ledger, place);
for (let from = 0; from < rows; from += 5000) {
  /** @type {import('../src/ledger/links.ts').TellLink[]} */
  const links = Array.from({ length: Math.min(5000, rows - from) }, (_, i) => ({
    email: `person.${from + i}@mail.example.com`,
    link: `https://share.example-brand.com/member${from + i}`,
    code: `member${from + i}`,
    cameBy: 'report',
    asOf: io.now(),
  }));
  book.record(links, io.now());
}
const logins = loginWatch(ledger, io, { byHand: true });
const remote = await openRemote(remoteSettings.parse({ url: `file://${join(folder, 'served')}` }), io, signal, logins);
/** @type {import('../src/accounts.ts').PushAccount[]} */
const told = [];
const started = performance.now();
await afterRows(
  {
    ...{ ledger, io, signal, remote, logins, links: place, keys: undefined, staging: join(folder, 'staging') },
    progress: () => {},
    crashPoint: () => {},
    job: {
      id: 'bench',
      customers: { columns: {} },
      exports: [],
      push: pushTargets.parse([JSON.parse(target)]),
      failed: { maxAge: 7 * 86_400_000 },
      report: { to: 'results' },
    },
  },
  {
    notices: [],
    addExport: () => {},
    addPush: (account) => void told.push(account),
  },
);
const ms = performance.now() - started;
await remote[Symbol.asyncDispose]();
await ledger.close();
const [account] = told;
process.stdout.write(
  `${JSON.stringify({ ms, counts: account?.counts, why: account?.why, rss: process.resourceUsage().maxRSS * 1024 })}\n`,
);
