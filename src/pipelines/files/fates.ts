import type { Delivery, DeliveryBook, Owner } from '../../ledger/deliveries.ts';
import { formerOwner } from '../../ledger/former-owner.ts';
import type { Processing } from '../../ledger/processings.ts';
import { eventNameId } from '../../ledger/registry.ts';
import type { Outcome } from '../../model.ts';
import type { RowState } from '../../reports/tally.ts';
import type { FilePass, RunContext } from './context.ts';
import type { CourseFates } from './course.ts';
import { heldCode } from './held-part.ts';
import { type IndexBlock, VERDICT } from './row-index.ts';
import type { Seal } from './seal.ts';

/** What became of a row, before its input text is put beside it. */
export interface Fate {
  state: RowState;
  code: string;
  reason: string;
  eventId: string;
  attempts: number;
  /** Milliseconds since 1970. */
  at: number;
}

const OPEN = new Set(['claimed', 'waiting', 'unknown']);

/** What a person decided about a held file goes for its rows in conflict, too. */
const DECIDED = new Set(['rejected', 'superseded']);

/** Why the file is, or was, held as a whole; nothing of that counts once a person released it. */
export function heldOf(root: Processing, seal: Seal): Seal['held'] {
  return root.refusal?.verdict === 'released' ? undefined : seal.held;
}

/** Says of one row after the other what became of it; `begin` comes before the rows of each block. */
export interface Fates {
  begin(block: IndexBlock, deliveries: ReadonlyMap<number, Delivery>): void;
  of(block: IndexBlock, i: number, deliveries: ReadonlyMap<number, Delivery>, reason: string): Fate;
  /** Of rows that are no deliveries of their own. */
  course: CourseFates | undefined;
}

export function createFates(
  ctx: RunContext,
  { processing, root, definition, paths }: FilePass,
  seal: Seal,
  book: DeliveryBook,
): Fates {
  const sealedAt = root.sealedAt ?? root.openedAt;
  const repeat = root.id !== processing.id;
  const owners = new Map<number, Owner>();
  const former = new Map<number, Fate>();
  // Of a file that was through once, each row that has no delivery of its own was a duplicate.
  const wasThrough = root.state === 'closed' && root.refusal?.verdict !== 'released';
  const eventIds = seal.eventNames.map((name) => (name === '' ? 0 : eventNameId(ctx.ledger, root.destinationId, name)));
  const judged = (state: RowState, code: string, reason: string): Fate => ({
    state,
    code,
    reason,
    eventId: '',
    attempts: 0,
    at: sealedAt,
  });

  const held = heldOf(root, seal);
  const course = ctx.course?.fates(ctx, { processing, root, definition, paths }, seal);

  /** Why a row waits, or waited, with its file or its segment. */
  const heldWith = (block: IndexBlock, i: number): string | undefined =>
    held && heldCode(held, seal.eventNames[block.eventName(i)] ?? '');
  const what = held?.segments ? 'segment' : 'file';

  /** The rows of a file or segment that is held as a whole, or was until its time was over or a person decided. */
  const withFile = (code: string): Fate => {
    const decision = root.refusal?.decision ?? '';
    switch (root.refusal?.verdict) {
      case 'expired':
        return judged(
          'rejected',
          'EXPIRED',
          `the ${what} was held for too long without a decision (${code}); this row was not sent`,
        );
      case 'rejected':
        return judged('rejected', 'OPERATOR_REJECTED', `a person decided: ${decision} (the ${what} was held: ${code})`);
      case 'superseded':
        return judged(
          'rejected',
          'SUPERSEDED',
          `the file was processed again, ${decision}; this row was not sent from here`,
        );
      default:
        return judged('held', code, `the ${what} is held as a whole; this row was not sent`);
    }
  };

  const delivered = (d: Delivery): Fate => {
    const { code, reason, eventId, attempts, at } = d;
    if (OPEN.has(d.state)) return { state: 'open', code, reason, eventId, attempts, at };
    if (repeat && d.state === 'delivered') {
      const where = `delivered before, as line ${d.line} of ${root.name}`;
      return { state: 'duplicate', code: 'DUPLICATE', reason: where, eventId, attempts: 0, at };
    }
    return { state: outcomeOf(d), code, reason, eventId, attempts, at: at || sealedAt };
  };

  const candidate = (block: IndexBlock, i: number, delivery: Delivery | undefined): Fate => {
    if (delivery) return delivered(delivery);
    const waits = heldWith(block, i);
    if (waits !== undefined) return withFile(waits);
    if (course) return course.of(block, i);
    const owner = owners.get(i);
    if (!owner) return former.get(i) ?? judged('open', '', '');
    const where = `line ${owner.line} of ${owner.file}`;
    const how = owner.state === 'delivered' ? 'delivered before, as' : `known from`;
    return { ...judged('duplicate', 'DUPLICATE', `${how} ${where}`), eventId: owner.eventId, at: owner.at || sealedAt };
  };

  /** A duplicate within the file shares the fate of the first row, unless that row owns the key. */
  const repeated = (block: IndexBlock, i: number, deliveries: ReadonlyMap<number, Delivery>): Fate => {
    const waits = heldWith(block, i);
    if (waits !== undefined) return withFile(waits);
    const line = block.refLine(i);
    const shared = course?.of(block, i);
    if (shared && shared.state !== 'delivered')
      return { ...shared, reason: shared.reason === '' ? '' : `same as line ${line}: ${shared.reason}` };
    const first = deliveries.get(line) ?? book.range(root.id, line, line).get(line);
    if (first && (first.state === 'rejected' || first.state === 'failed' || first.state === 'conflict'))
      return judged(first.state, first.code, `same as line ${line}: ${first.reason}`);
    return { ...judged('duplicate', 'DUPLICATE_IN_FILE', `same as line ${line}`), eventId: first?.eventId ?? '' };
  };

  /** Its owner gave the key up since: the row shares that row's fate, as a duplicate within a file does. */
  const noteFormer = (block: IndexBlock, i: number): void => {
    const last = formerOwner(ctx.ledger, eventIds[block.eventName(i)] ?? 0, block.keyHash(i), root.id);
    const fate = last
      ? judged('rejected', last.code, `same as line ${last.line} of ${last.file}: ${last.reason}`)
      : judged('duplicate', 'DUPLICATE', 'the key was known from a row of another file');
    former.set(i, fate);
  };

  const begin = (block: IndexBlock, deliveries: ReadonlyMap<number, Delivery>): void => {
    owners.clear();
    former.clear();
    if (held && !held.segments) return;
    if (course) {
      course.begin(block);
      return;
    }
    const places: number[] = [];
    for (let i = 0; i < block.count; i++)
      if (block.verdict(i) === VERDICT.candidate && !deliveries.has(block.line(i))) places.push(i);
    const found = book.owners(
      places.map((i) => ({ eventNameId: eventIds[block.eventName(i)] ?? 0, keyHash: block.keyHash(i) })),
    );
    for (const [n, i] of places.entries()) {
      const owner = found[n];
      if (owner) owners.set(i, owner);
      else if (wasThrough) noteFormer(block, i);
    }
  };

  const of: Fates['of'] = (block, i, deliveries, reason) => {
    const code = seal.codes[block.code(i)] ?? '';
    switch (block.verdict(i)) {
      case VERDICT.rejected:
        return judged('rejected', code, reason);
      case VERDICT.conflict: {
        const own = deliveries.get(block.line(i));
        if (own) return delivered(own);
        const waits = heldWith(block, i);
        if (waits !== undefined && root.refusal && DECIDED.has(root.refusal.verdict)) return withFile(waits);
        return judged(
          'conflict',
          code,
          `same key as line ${block.refLine(i)} with different content; this row was not sent`,
        );
      }
      case VERDICT.duplicate:
        return repeated(block, i, deliveries);
      default:
        return candidate(block, i, deliveries.get(block.line(i)));
    }
  };
  return { begin, of, course };
}

function outcomeOf(delivery: Delivery): Outcome {
  switch (delivery.state) {
    case 'claimed':
    case 'waiting':
    case 'unknown':
      throw new Error(`line ${delivery.line} is open and has no outcome`);
    default:
      return delivery.state;
  }
}
