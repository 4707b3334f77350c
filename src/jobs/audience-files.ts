import * as z from 'zod';
import { audienceSftpSettings } from '../destinations/extole/audiences/settings.ts';
import { remoteSettings } from '../remotes/settings.ts';
import { folder } from './parts.ts';

/** Audiences of an Extole account by files, with the server on which its folders are. */
export const audienceFiles = audienceSftpSettings
  .extend({
    sftp: z
      .strictObject({
        ...remoteSettings.shape,
        url: remoteSettings.shape.url.describe(
          'The folder above those of the audiences: sftp://client@sftp.extole.io/audiences. Below it are {audience id}/add and {audience id}/remove.',
        ),
        results: folder
          .default('results')
          .describe('Where Extole puts results files. Relative to the folder of the file, unless it starts with /.'),
        archive: folder
          .default('archive')
          .describe(
            'Where Extole moves files that it has read. Relative to the folder of the file, unless it starts with /.',
          ),
      })
      .describe("Extole's SFTP server."),
  })
  .describe('Audiences of an Extole account, by files in its folders. Their results are read back.');

export type AudienceFilesSettings = z.output<typeof audienceFiles>;
