import type { FileLane } from '../../../model.ts';
import { openBatchCarrier } from './batch.ts';
import type { OpenCarrier } from './carrier.ts';
import { openFolderCarrier } from './folder.ts';
import { openSftpCarrier } from './sftp.ts';

/** The lanes that send whole files. A new one is a file beside these and a line here. */
export const CARRIERS: Readonly<Record<FileLane, OpenCarrier>> = {
  sftp: openSftpCarrier,
  batch: openBatchCarrier,
  folder: openFolderCarrier,
};
