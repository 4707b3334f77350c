import { type Facts, keyOf, type LedgerFacts, lookAt } from './facts.ts';
import { complain, type History } from './history.ts';
import { tellKill } from './kill.ts';
import type { Life } from './life.ts';
import { CANARIES } from './samples.ts';
import type { LoggedRequest } from './servers/open.ts';
import { WINDOW } from './world.ts';

/** What a command may end with: fine, attention, unreachable. Others are errors, or are explained by the scenario. */
const ENDS: ReadonlySet<number> = new Set([0, 3, 4]);

/** Called after each life: what can be said of one moment is checked at once. */
export function remember(history: History, life: Life, allowed: ReadonlySet<number> = ENDS): Facts {
  const before = history.looks.at(-1);
  const facts = lookAt(history.world);
  history.lives.push(life);
  history.looks.push(facts);
  const opened = (facts.ledger?.epoch ?? 0) > (before?.ledger?.epoch ?? 0);
  if (life.signal === 'SIGKILL') {
    if (opened) history.kills++;
    else history.startupKills++;
    if (life.point !== undefined) history.points.set(life.point, (history.points.get(life.point) ?? 0) + 1);
  } else if (!allowed.has(life.code ?? -1)) {
    const end = life.code === undefined ? `signal ${life.signal}` : `exit ${life.code}`;
    complain(
      history,
      'other',
      'I9',
      `${life.args.join(' ')}: ${end}\n${life.stderr.slice(-1500)}${life.stdout.slice(-500)}`,
    );
  }
  checkSecrets(history, life, facts.ledger);
  if (!facts.ledger) {
    // Between a ledger that was lost and the backup that takes its place there is none, either.
    if (facts.arrivals.length > 0 && !history.looks.some(({ ledger }) => ledger))
      complain(history, 'phantom', 'I4', 'rows were sent before there was a ledger');
    return facts;
  }
  if (facts.ledger.integrity !== 'ok')
    complain(history, 'other', 'I9', `integrity_check after ${tellKill(life.kill)}: ${facts.ledger.integrity}`);
  for (const request of facts.arrivals) checkIntent(history, facts.ledger, request);
  const claimed = facts.ledger.rows.filter(({ state, upload }) => state === 'claimed' && upload === null).length;
  const most = WINDOW * history.rules.jobs;
  if (claimed > most) complain(history, 'doubled', 'I7', `${claimed} rows were claimed at once, ${most} may be`);
  if (before?.ledger) checkFinal(history, before.ledger, facts.ledger);
  return facts;
}

/** Claimed first: whatever arrived has its attempt in the ledger, also right after a kill. */
function checkIntent(history: History, ledger: LedgerFacts, request: LoggedRequest): void {
  if (request.requestId === '') return;
  const [, delivery = '', attempt = ''] = /^[0-9a-f]+-(\d+)-(\d+)$/.exec(request.requestId) ?? [];
  const row = ledger.rows.find(({ id }) => id === Number(delivery));
  if (row && row.key === keyOf(request) && row.attempts >= Number(attempt)) return;
  // Where a backup took the ledger's place, what was sent since is in the ledger that was put aside.
  if (
    history.looks.some((look) =>
      look.ledger?.rows.some(({ id, attempts }) => id === Number(delivery) && attempts >= Number(attempt)),
    )
  )
    return;
  complain(
    history,
    'phantom',
    'I4',
    `request ${request.requestId} of ${keyOf(request)} has no committed claim: ${JSON.stringify(row)}`,
  );
}

/** A yes that is in the ledger stays there. */
function checkFinal(history: History, before: LedgerFacts, now: LedgerFacts): void {
  if (now.epoch < before.epoch) return;
  const states = new Map(now.rows.map(({ id, state }) => [id, state]));
  for (const { id, key, state } of before.rows) {
    const later = states.get(id);
    if (state === 'delivered' && later !== undefined && later !== 'delivered')
      complain(history, 'other', 'I6', `${key} was delivered, and is ${later} now`);
  }
}

function checkSecrets(
  { world, ...history }: History,
  { stdout, stderr, args }: Life,
  ledger: LedgerFacts | undefined,
): void {
  const secrets = [world.env.EXTOLE_TOKEN ?? '', world.env.SFTP_PASSWORD ?? ''];
  for (const canary of [...CANARIES, ...secrets]) {
    if ((stdout + stderr).includes(canary))
      complain({ world, ...history }, 'other', 'I9', `${canary} is in what ${args.join(' ')} told`);
    if (ledger?.holds(canary)) complain({ world, ...history }, 'other', 'I9', `${canary} is in the ledger`);
  }
}
