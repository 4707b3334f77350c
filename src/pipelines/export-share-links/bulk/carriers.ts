import type { BulkSettings } from '../../../jobs/bulk-settings.ts';
import type { LinksJob } from '../../../jobs/schema.ts';
import { eventNameOf } from '../../../ledger/awaited-events.ts';
import { destinationId } from '../../../ledger/registry.ts';
import { getUpload, type Upload } from '../../../ledger/uploads.ts';
import { labelOfEvent } from '../../../mapping/customer-settings.ts';
import { type FileLane, TransferError } from '../../../model.ts';
import type { CarrierContext, Carriers, OpenCarrier } from '../../files/by-file/carrier.ts';
import { CARRIERS } from '../../files/by-file/carriers.ts';
import { collectLinks, type Pace } from './collect.ts';
import { concludeBulk } from './conclude.ts';
import { matchLinks } from './match.ts';

/** Where a carrier of events would wait for Extole's answer to the rows. */
const ON_ITS_WAY: ReadonlySet<Upload['state']> = new Set(['uploaded', 'started']);

/**
 * The lanes of whole files, for people who are to get links: Extole's yes to a row says that an event came, and only the link
 * that the event made is the proof. A no counts as it does for events.
 */
export function carriersOf(job: LinksJob): Carriers {
  const { bulk } = job.links;
  const over = (lane: FileLane): OpenCarrier => {
    return async (ctx) => {
      if (bulk === undefined) throw noLongerBulk(lane);
      const inner = await CARRIERS[lane]({ ...ctx, linkProves: true });
      return {
        send: (upload, path) => inner.send(upload, path),
        async look({ id }) {
          const before = getUpload(ctx.ledger, id);
          const changed = ON_ITS_WAY.has(before.state) && (await inner.look(before));
          const upload = getUpload(ctx.ledger, id);
          if (!ON_ITS_WAY.has(upload.state) && upload.state !== 'unanswered') return changed;
          return (await lookForLinks(ctx, job, bulk, upload)) || changed;
        },
        [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
      };
    };
  };
  return { batch: over('batch'), sftp: over('sftp'), folder: over('folder') };
}

function noLongerBulk(lane: FileLane): TransferError {
  const message = `people were uploaded on the lane ${lane} and wait for their links, and the job has no links.bulk any more`;
  return new TransferError('LANE_NOT_CONFIGURED', message, {
    hint: 'put links.bulk back until they have come',
  });
}

/** `true`: rows got their link, or are held for the lack of one. */
async function lookForLinks(ctx: CarrierContext, job: LinksJob, bulk: BulkSettings, upload: Upload): Promise<boolean> {
  // An upload waits for links of the label under which it left, whatever the job says by now. All its rows have the same one.
  const eventName = eventNameOf(ctx.ledger, upload.processingId);
  const label = eventName === undefined ? job.links.label : labelOfEvent(eventName);
  const place = { destinationId: destinationId(ctx.ledger, ctx.destination.identity), label };
  const collected = bulk.collect === 'report' ? await collectLinks(ctx, job, place, paceFor(bulk, upload)) : undefined;
  const matched = await matchLinks(ctx, upload, place);
  return concludeBulk(ctx, bulk, getUpload(ctx.ledger, upload.id), collected) || matched > 0;
}

const DAY = 86_400_000;

/** Those who were held for the lack of a link are looked for more and more rarely. */
function paceFor({ firstLook, every }: BulkSettings, { state, uploadedAt }: Upload): Pace {
  const from = uploadedAt + firstLook;
  return state === 'unanswered' ? { from, every: Math.max(every, DAY) } : { from, every };
}
