import { createLinks, type Links } from '../../destinations/extole/links/links.ts';
import type { LinksJob } from '../../jobs/schema.ts';
import { type LinkBook, openLinkBook } from '../../ledger/links.ts';
import type { Ledger } from '../../ledger/open.ts';
import { destinationId } from '../../ledger/registry.ts';
import { labelOfEvent } from '../../mapping/customer-settings.ts';
import type { Answer, DestinationIdentity, EventRecord, Io, Lane } from '../../model.ts';
import type { OpenOptions, RowDestination, RowSender } from '../files/context.ts';
import { tellHowLong } from './how-long.ts';
import { createKeeper } from './keep.ts';
import { answerOf, linkOfResults, personOf } from './person.ts';

/** How many people to ask for at once, so that the pace of the token is reached where each answer takes half a second. */
function atOnce(requestsPerMinute: number): number {
  return Math.min(64, Math.max(4, Math.ceil(requestsPerMinute / 120)));
}

export const laneOfLinks = ({ links }: Pick<LinksJob, 'links'>): Lane => links.bulk?.lane ?? 'links';

/** The links at an Extole account, as a destination of rows: a row is a person, whose link is found or made. */
export function linksDestination(job: LinksJob, ledger: Ledger, io: Io, say?: (line: string) => void): RowDestination {
  const { account, container } = job.destination.extole;
  const identity = { provider: 'extole', account, container };
  return {
    identity,
    // Asking again finds the link that is there.
    repeatable: true,
    laneFor: () => laneOfLinks(job),
    open: (_lane, options) => {
      tellHowLong(job, options.rows, io, say);
      return openSender(job, identity, ledger, io, options);
    },
    recover(rows) {
      for (const [eventName, its] of Map.groupBy(rows, ({ event }) => event.eventName)) {
        const place = { destinationId: destinationId(ledger, identity), label: labelOfEvent(eventName) };
        openLinkBook(ledger, place).record(its.map(linkOfResults), io.now());
      }
    },
  };
}

interface OfLabel {
  links: Links;
  book: LinkBook;
}

function openSender(
  job: LinksJob,
  identity: DestinationIdentity,
  ledger: Ledger,
  io: Io,
  { refreshToken, crashPoint }: OpenOptions,
): RowSender {
  const closing = new AbortController();
  // A file that was begun under another label goes on under that.
  const labels = new Map<string, OfLabel>();
  const most = atOnce(job.links.requestsPerMinute);
  const concurrency = { start: most, max: most };
  const timeouts = { concurrency, timeout: job.delivery.timeout };
  const ofLabel = (label: string): OfLabel => {
    const known = labels.get(label);
    if (known) return known;
    const place = { destinationId: destinationId(ledger, identity), label };
    const opened = {
      links: createLinks({ ...job.links, label }, io, { timeouts, refreshToken }),
      book: openLinkBook(ledger, place),
    };
    labels.set(label, opened);
    return opened;
  };
  const keeper = createKeeper(() => io.now());

  async function answerTo(event: EventRecord): Promise<Answer> {
    const person = personOf(event);
    const { links, book } = ofLabel(labelOfEvent(event.eventName));
    try {
      const found = await links.create(person, closing.signal);
      // In the ledger before anything says that the row is done.
      if (found.kind === 'accepted') {
        crashPoint('link-made');
        await keeper.keep(book, { person, found });
        crashPoint('link-kept');
      }
      return answerOf(found);
    } catch (error) {
      if (!closing.signal.aborted) throw error;
      return { kind: 'unknown', code: 'NO_ANSWER', reason: 'the run was stopped while a link was asked for' };
    }
  }

  return {
    maxBatchSize: 1,
    paced: true,
    concurrency,
    send(batch, done) {
      const [row] = batch;
      if (!row) return done([]);
      answerTo(row.event).then(
        (answer) => done([answer]),
        // The ledger cannot be written to, as the next commit says as well. The link is found again.
        (error: unknown) => {
          io.log.error({ job: job.id, code: 'LINK_NOT_KEPT' }, String(error));
          done([{ kind: 'unknown', code: 'LINK_NOT_KEPT', reason: 'the link could not be written to the ledger' }]);
        },
      );
    },
    async close() {
      closing.abort();
      await Promise.all([...labels.values()].map(({ links }) => links.close()));
    },
  };
}
