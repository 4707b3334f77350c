import { openBatchCarrier } from './batch.ts';
import type { Carriers } from './carrier.ts';
import { openFolderCarrier } from './folder.ts';
import { openSftpCarrier } from './sftp.ts';

/** The lanes that send whole files. A new one is a file beside these and a line here. */
export const CARRIERS: Carriers = {
  sftp: openSftpCarrier,
  batch: openBatchCarrier,
  folder: openFolderCarrier,
};
