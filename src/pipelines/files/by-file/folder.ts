import { mkdir } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { holdRest, unansweredRows } from '../../../ledger/upload-rows.ts';
import { updateUpload } from '../../../ledger/uploads.ts';
import { TransferError } from '../../../model.ts';
import { openRemote } from '../../../remotes/open.ts';
import { remoteSettings } from '../../../remotes/settings.ts';
import type { Carrier, CarrierContext } from './carrier.ts';
import { mismatchOf } from './conclude.ts';

/** The lane `folder`: a file into a folder of this machine, for a person to upload in My Extole. Its rows are held until then. */
export async function openFolderCarrier(ctx: CarrierContext): Promise<Carrier> {
  const { folder } = ctx.job.destination.extole;
  if (!folder)
    throw new TransferError(
      'LANE_NOT_CONFIGURED',
      'a file waits to be put aside on the lane folder, and the job has no destination.extole.folder any more',
      {
        hint: 'put the folder setting back; the lane may be another one for new files',
      },
    );
  await mkdir(folder.path, { recursive: true });
  const remote = await openRemote(remoteSettings.parse({ url: pathToFileURL(folder.path).href }), ctx.io);

  return {
    async send(upload, path) {
      ctx.crashPoint('upload-planned');
      const placed = await remote.publish(upload.name, { path, size: upload.bytes, sha256: upload.sha256 });
      ctx.crashPoint('uploaded');
      const now = ctx.io.now();
      const reason = `in ${placed}: upload this file in My Extole, then say so: referry confirm p${upload.processingId} --reason TEXT`;
      holdRest(ctx.ledger, upload, { code: 'AWAITS_UPLOAD', reason }, now, { sent: false });
      return updateUpload(ctx.ledger, upload.id, { state: 'uploaded', uploadedAt: now });
    },
    /** Only a person gives answers; but a process may have died before it wrote down that the last one had come. */
    async look(upload) {
      const { claimed, others } = unansweredRows(ctx.ledger, upload);
      if (claimed + others > 0) return false;
      updateUpload(ctx.ledger, upload.id, {
        state: 'answered',
        endedAt: ctx.io.now(),
        notices: mismatchOf(ctx, upload),
      });
      return true;
    },
    [Symbol.asyncDispose]: () => remote[Symbol.asyncDispose](),
  };
}
