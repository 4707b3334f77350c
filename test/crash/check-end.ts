import { createHash } from 'node:crypto';
import { readResults } from '../integration/support/e2e-results.ts';
import { type Facts, keyOf, type LedgerFacts, openRows } from './facts.ts';
import { complain, type Dropped, type History } from './history.ts';
import { type ExpectedRow, foretell, type Payload, type Prophecy } from './oracle.ts';
import type { Sight } from './partners.ts';
import type { LoggedRequest } from './servers/open.ts';

/** What must hold once everything is through; each looks at facts on disk alone. */
export interface Ending {
  history: History;
  prophecies: ReadonlyMap<string, Prophecy>;
  facts: Facts;
  ledger: LedgerFacts;
  results: Sight;
  reports: Sight;
}

export function checkEnd(history: History, results: Sight, reports: Sight): void {
  const facts = history.looks.at(-1);
  if (!facts?.ledger) {
    complain(history, 'lost', 'I1', 'there is no ledger at the end');
    return;
  }
  const ending = { history, prophecies: prophecies(history), facts, ledger: facts.ledger, results, reports };
  for (const check of CHECKS) check(ending);
}

/** What is common to all things that are not events: results, published files, inputs. Where there is no ledger, that is said, and `undefined`. */
export function checkFiles(
  history: History,
  files: Prophecy['files'],
  results: Sight,
  reports: Sight,
): LedgerFacts | undefined {
  const facts = history.looks.at(-1);
  if (!facts?.ledger) {
    complain(history, 'lost', 'I1', 'there is no ledger at the end');
    return undefined;
  }
  const prophecy = { files, payloads: new Map(), orders: new Map() };
  const prophecies = new Map(history.files.map(({ job }) => [job, prophecy]));
  const ending = { history, prophecies, facts, ledger: facts.ledger, results, reports };
  for (const check of [checkResults, checkPublished, checkClosed]) check(ending);
  return facts.ledger;
}

export function prophecies({ files, rules, verdicts }: History): Map<string, Prophecy> {
  const jobs = [...new Set(files.map(({ job }) => job))];
  return new Map(
    jobs.map((job) => {
      const its = files.filter((each) => each.job === job).map(({ file }) => file);
      return [job, foretell(its, { now: rules.now, eventName: rules.eventName, verdicts })];
    }),
  );
}

const all = (ending: Ending): Map<string, Payload> =>
  new Map([...ending.prophecies.values()].flatMap(({ payloads }) => [...payloads]));

/** I1, I2: what must arrive has arrived, nothing else has, and each with the values of its row. */
function checkArrivals(ending: Ending): void {
  const { history, facts } = ending;
  const payloads = all(ending);
  const accepted = new Set(facts.arrivals.filter((each) => each.accepted).map(keyOf));
  for (const key of payloads.keys())
    if (!accepted.has(key)) complain(history, 'lost', 'I1', `${key} should have arrived, and did not`);
  for (const arrival of facts.arrivals) {
    const key = keyOf(arrival);
    const wrong = difference(payloads.get(key), arrival);
    if (wrong) complain(history, 'phantom', 'I2', `${key || 'a row without a key'}: ${wrong}`);
  }
}

function difference(payload: Payload | undefined, { body }: LoggedRequest): string | undefined {
  if (!payload) return 'should never have left';
  if (body.event_name !== payload.eventName) return `arrived as ${body.event_name}`;
  if (Date.parse(body.event_time ?? '') !== payload.at) return `arrived with the time ${body.event_time}`;
  const sorted = (data: Readonly<Record<string, string>>): string => JSON.stringify(Object.entries(data).sort());
  const [found, wanted] = [sorted(body.data ?? {}), sorted(payload.data)];
  return found === wanted ? undefined : `arrived as ${found}, should be ${wanted}`;
}

/** I3: one line for each input row, in order, as foretold; and the account of the file says the same. */
function checkResults(ending: Ending): void {
  const { history, prophecies: told } = ending;
  for (const dropped of history.files) {
    const expected = told.get(dropped.job)?.files.get(dropped.file.name) ?? [];
    const bytes = newestResults(ending, dropped);
    if (bytes === undefined) {
      complain(history, 'lost', 'I3', `${dropped.name} has no results`);
      continue;
    }
    compareResults(ending, dropped, bytes, expected);
    compareAccount(ending, dropped, expected);
  }
}

function compareResults(
  { history, facts }: Ending,
  { name, sealed }: Dropped,
  bytes: Buffer,
  expected: readonly ExpectedRow[],
): void {
  const lines = readResults(bytes);
  const gone = forgottenIn(history);
  const isGone = (input: string): boolean => gone.some((email) => input.toLowerCase().includes(email));
  const seen = lines.map(({ line, outcome, code, input }, i) =>
    tell(line, outcome, code, isGone(expected[i]?.input ?? '') ? '' : input),
  );
  const wanted = expected.map(({ line, outcome, code, input }) =>
    tell(line, outcome, code, sealed || isGone(input) ? '' : input),
  );
  if (seen.length < wanted.length)
    complain(history, 'lost', 'I3', `${name}: ${seen.length} lines of results for ${wanted.length} rows`);
  for (const [i, line] of wanted.entries())
    if (seen[i] !== line) complain(history, 'unbalanced', 'I3', `${name}: found ${seen[i]}; foretold ${line}`);
  if (seen.length > wanted.length)
    complain(history, 'unbalanced', 'I3', `${name}: ${seen.length} lines of results for ${wanted.length} rows`);
  if (history.rules.by !== 'row') return;
  // The proof of a delivery is an event that Extole has, of that row.
  const proofs = new Map(facts.arrivals.filter((each) => each.accepted).map((each) => [each.eventId, keyOf(each)]));
  for (const [i, { outcome, eventId }] of lines.entries()) {
    const key = expected[i]?.key ?? '';
    if (outcome === 'delivered' && proofs.get(eventId) !== key)
      complain(
        history,
        'lost',
        'I3',
        `${name}: ${key} is told as delivered by ${eventId}, which is ${proofs.get(eventId) ?? 'no event'}`,
      );
  }
}

export const forgottenIn = ({ verdicts }: History): string[] =>
  verdicts.flatMap((each) => (each.verdict === 'forgotten' ? [each.email] : []));

const tell = (line: number, outcome: string, code: string, input: string): string =>
  `${line} ${outcome} ${code} ${JSON.stringify(input)}`;

interface Account {
  sha256: string;
  balanced: boolean;
  counts: Record<string, number>;
}

/** The last pass of a file, by its name and its contents. */
function passOf({ ledger }: Ending, { name, job, file }: Dropped): { id: number; account: Account } | undefined {
  const sha256 = createHash('sha256').update(file.text).digest('hex');
  return ledger.processings
    .flatMap(({ id, account, ...each }): { id: number; account: Account }[] =>
      each.name === name && each.job === job && account ? [{ id, account: JSON.parse(account) }] : [],
    )
    .findLast(({ account }) => account.sha256 === sha256);
}

function compareAccount(ending: Ending, dropped: Dropped, expected: readonly ExpectedRow[]): void {
  const { history } = ending;
  const { name } = dropped;
  const account = passOf(ending, dropped)?.account;
  if (!account) {
    complain(history, 'unbalanced', 'I3', `${name} has no account in the ledger`);
    return;
  }
  if (!account.balanced) complain(history, 'unbalanced', 'I3', `${name} does not balance: ${JSON.stringify(account)}`);
  const counts: Record<string, number> = { read: expected.length, open: 0, delivered: 0, duplicate: 0, conflict: 0 };
  Object.assign(counts, { rejected: 0, failed: 0, held: 0 });
  for (const { outcome } of expected) counts[outcome] = (counts[outcome] ?? 0) + 1;
  for (const [what, n] of Object.entries(counts))
    if (account.counts[what] !== n)
      complain(history, 'unbalanced', 'I3', `${name}: ${account.counts[what]} ${what} in the account, foretold ${n}`);
}

/** The last revision of a file's results: the one that the ledger names, or (the ledger was lost) the highest number of its name. */
function newestResults(ending: Ending, dropped: Dropped): Buffer | undefined {
  const { world } = ending.history;
  const pass = passOf(ending, dropped);
  const known = ending.ledger.publications
    .filter(({ processing, publishedAs }) => processing === pass?.id && publishedAs !== null)
    .sort((a, b) => b.revision - a.revision)[0]
    ?.publishedAs?.split('/')
    .at(-1);
  const ours = world.files('results').filter((name) => name.startsWith(`${dropped.resultsBase}.results.`));
  const revision = (name: string): number => Number(/\.r(\d+)\.csv$/.exec(name)?.[1] ?? 1);
  const newest = known ?? ours.sort((a, b) => revision(b) - revision(a))[0];
  return newest === undefined || !ours.includes(newest) ? undefined : world.read(`results/${newest}`);
}

/** I5, I6, I7: no attempt came twice, nothing after its yes was in the ledger, and each copy has an attempt without a clear answer. */
function checkCopies({ history, facts }: Ending): void {
  const ids = facts.arrivals.flatMap(({ requestId }) => (requestId === '' ? [] : [requestId]));
  const twice = ids.find((id, i) => ids.indexOf(id) !== i);
  if (twice !== undefined) complain(history, 'doubled', 'I5', `the attempt ${twice} arrived twice`);
  const unclear = unclearByKey(history);
  const copies = new Map<string, number>();
  for (const each of facts.arrivals) if (each.accepted) copies.set(keyOf(each), (copies.get(keyOf(each)) ?? 0) + 1);
  for (const [key, n] of copies) {
    const explained = history.rules.by === 'file' ? 0 : (unclear.get(key) ?? 0);
    const allowed = explained + (history.released.get(key) ?? 0);
    if (n - 1 > allowed)
      complain(history, 'doubled', 'I7', `${key} arrived ${n} times, ${allowed} times more are explained`);
  }
}

/** Attempts without a clear answer, as any look found them: some were pruned since, or are in a ledger that a backup replaced. */
function unclearByKey({ looks }: History): Map<string, number> {
  const most = new Map<number, { key: string; n: number }>();
  for (const { ledger } of looks) {
    for (const { id, key } of ledger?.rows ?? []) {
      const n = ledger?.unclear.get(id) ?? 0;
      if (n > (most.get(id)?.n ?? 0)) most.set(id, { key, n });
    }
  }
  const sums = new Map<string, number>();
  for (const { key, n } of most.values()) sums.set(key, (sums.get(key) ?? 0) + n);
  return sums;
}

function checkAcknowledged({ history, facts }: Ending): void {
  const known = new Map<string, { id: number; attempts: number; seq: number }>();
  for (const { ledger, requests } of history.looks) {
    for (const { id, key, state, attempts } of ledger?.rows ?? [])
      if (state === 'delivered' && !known.has(key)) known.set(key, { id, attempts, seq: requests.at(-1)?.seq ?? 0 });
  }
  for (const arrival of facts.arrivals) {
    const yes = known.get(keyOf(arrival));
    if (!yes || history.released.has(keyOf(arrival))) continue;
    const [, id, attempt] = /^[0-9a-f]+-(\d+)-(\d+)$/.exec(arrival.requestId) ?? [];
    const late = Number(id) === yes.id ? Number(attempt) > yes.attempts : arrival.seq > yes.seq;
    if (late) complain(history, 'doubled', 'I6', `${keyOf(arrival)} was sent again after its yes was in the ledger`);
  }
}

/** Rows of one person arrive one after the other: once the next one came, the one before is never sent again. */
function checkOrder({ history, prophecies: told, facts }: Ending): void {
  if (!history.rules.ordered) return;
  for (const { orders } of told.values()) {
    for (const [person, all] of [...orders].flatMap(inOrder(history))) {
      // What is held holds up nothing, and follows once a person has released it.
      const keys = all.filter((key) => !history.released.has(key));
      const places = facts.arrivals.map((each) => keys.indexOf(keyOf(each))).filter((place) => place >= 0);
      if (places.some((place, i) => place < (places[i - 1] ?? 0)))
        complain(
          history,
          'other',
          'order',
          `rows of ${person} arrived as ${places.map((place) => keys[place]).join(', ')}`,
        );
    }
  }
}

/** A file that a server does not give up holds no later one up: then a person's rows keep their order within a file only. */
function inOrder({ rules }: History): (person: [string, readonly string[]]) => [string, readonly string[]][] {
  return ([person, keys]) => {
    if (!rules.fetched) return [[person, keys]];
    return Object.values(Object.groupBy(keys, (key) => key.slice(0, key.lastIndexOf('-')))).map((own = []) => [
      person,
      own,
    ]);
  };
}

/** I8: nobody saw half a file or missed one; what lies there is what the ledger says was put there; nothing half is left. */
function checkPublished({ history, ledger, results, reports }: Ending): void {
  // Files that a person was taken out of are others than were published; nobody saw half of them all the same.
  const rewritten = forgottenIn(history).length > 0;
  for (const each of results.complaints)
    if (!rewritten || !each.endsWith(' changed')) complain(history, 'other', 'I8', `results: ${each}`);
  for (const each of reports.complaints) complain(history, 'other', 'I8', `reports: ${each}`);
  for (const { target, sha256, publishedAs } of ledger.publications) {
    const name = (publishedAs ?? target).split('/').at(-1) ?? '';
    const there = history.world.files('results').includes(name)
      ? createHash('sha256')
          .update(history.world.read(`results/${name}`))
          .digest('hex')
      : 'gone';
    if (publishedAs !== null && there !== sha256 && (there === 'gone' || !rewritten))
      complain(history, 'other', 'I8', `results/${name} is ${there}, and was published as ${sha256}`);
  }
  for (const folder of ['results', 'reports', 'archive', 'refused', 'inbox', 'processing']) {
    // A report is written anew with other bytes, under another name; so are results after a restore. What a death left of the last one is
    // removed after a day.
    const mayBe = folder === 'reports' || (folder === 'results' && history.rules.restored);
    const excused = (name: string): boolean => mayBe && /^\.[^/]+\.[0-9a-f]{12}\.part$/.test(name);
    const left = history.world
      .files(folder)
      .filter((name) => (name.startsWith('.') || name.endsWith('.part')) && !excused(name));
    if (left.length > 0) complain(history, 'other', 'I8', `left in ${folder}: ${left.join(', ')}`);
  }
}

/** I9: nothing is open, and each input lies in the archive, once. */
function checkClosed({ history, ledger, facts }: Ending): void {
  const open = openRows(ledger).map(({ key, state }) => `${key} ${state}`);
  if (open.length > 0) complain(history, 'lost', 'I9', `rows are still open: ${open.slice(0, 5).join(', ')}`);
  if (facts.inbox.length > 0) complain(history, 'lost', 'I9', `still in the inbox: ${facts.inbox.join(', ')}`);
  const held = history.world.files('processing');
  if (held.length > 0) complain(history, 'lost', 'I9', `still in processing: ${held.join(', ')}`);
  const archived = history.world.files('archive').map((name) => name.replace(/\.\d{8}T\d{6}Z\.[0-9a-f]{8}$/, ''));
  for (const { name } of history.files) {
    const n = archived.filter((each) => each === name).length;
    const wanted = history.files.filter((each) => each.name === name).length;
    if (n !== wanted) complain(history, n < wanted ? 'lost' : 'other', 'I9', `${name} lies in the archive ${n} times`);
  }
}

const CHECKS: readonly ((ending: Ending) => void)[] = [
  checkArrivals,
  checkResults,
  checkCopies,
  checkAcknowledged,
  checkOrder,
  checkPublished,
  checkClosed,
];
