import * as z from 'zod';
import { duration } from '../delivery/settings.ts';
import { extoleSettings } from '../destinations/extole/settings.ts';
import { remoteSettings } from '../remotes/settings.ts';
import { folder } from './parts.ts';

/** How files reach Extole's own SFTP server, in the lane `sftp`. */
export const sftpLane = z
  .strictObject({
    ...remoteSettings.shape,
    url: remoteSettings.shape.url.describe(
      'The folder that Extole reads events from: sftp://client@sftp.extole.io/events. A folder that it does not read is ignored without a word.',
    ),
    results: folder
      .default('results')
      .describe("Where Extole puts results files. Relative to the url's folder, unless it starts with /."),
    archive: folder
      .default('archive')
      .describe("Where Extole moves files that it has read. Relative to the url's folder, unless it starts with /."),
    place: z
      .enum(['rename', 'direct', 'dropbox'])
      .default('rename')
      .describe(
        'How a file gets its name. rename: written under a hidden name, then renamed. dropbox: written to `dropbox`, then moved. direct: written under its own name, where renaming is not allowed; Extole may then meet half of it.',
      ),
    dropbox: folder.default('/dropbox').describe('A folder that Extole does not read; for place: dropbox.'),
    settle: duration
      .prefault('2m')
      .describe(
        'Where a file may have got its name and is seen nowhere: how long to look for it before it counts as not sent. Default 2m.',
      ),
  })
  .describe("Extole's SFTP server, for the lane sftp.");

export type SftpLane = z.output<typeof sftpLane>;

/** `destination.extole` of a job: the API, and the server and folder of the lanes that send whole files. */
export const extoleDestination = extoleSettings
  .extend({ sftp: sftpLane.optional() })
  .superRefine((extole, context) => {
    for (const lane of ['sftp', 'folder'] as const) {
      if (extole.lane !== lane || extole[lane] !== undefined) continue;
      const example =
        lane === 'sftp' ? 'sftp: { url: "sftp://client@sftp.extole.io/events", ... }' : 'folder: { path: /srv/extole }';
      context.addIssue({
        code: 'custom',
        path: ['lane'],
        message: `the lane ${lane} needs its own settings: ${example}`,
      });
    }
  })
  .describe('How events reach one Extole account.');

export type ExtoleDestinationSettings = z.output<typeof extoleDestination>;
