import { statfsSync } from 'node:fs';
import { TransferError } from '../model.ts';

/** Kinds of file systems as statfs(2) numbers them. Locks and the write-ahead log of SQLite do not hold over a network. */
const NETWORK: ReadonlyMap<number, string> = new Map([
  [0x6969, 'an NFS share'],
  [0x517b, 'an SMB share'],
  [0xff534d42, 'a CIFS share'],
  [0xfe534d42, 'an SMB 2 share'],
  [0x5346414f, 'an AFS volume'],
  [0x00c36400, 'Ceph'],
  [0x0bd00bd0, 'Lustre'],
]);

/** What may lead over a network, or goes away with a container: nobody but the operator knows. */
const DOUBTFUL: ReadonlyMap<number, string> = new Map([
  [0x65735546, 'FUSE, which may lead over a network'],
  [0x01021997, '9p, which leads to another machine'],
  [0x794c7630, "overlay, a container's own layer, which goes away with it"],
  [0x01021994, 'tmpfs, which is gone after a restart'],
]);

/** Throws `LEDGER_ON_NETWORK` where the folder is on a network file system. `type`: as statfs tells it. */
export function refuseNetwork(folder: string, type: number = statfsSync(folder).type): void {
  const name = NETWORK.get(type >>> 0);
  if (name === undefined) return;
  throw new TransferError(
    'LEDGER_ON_NETWORK',
    `the folder ${folder} is on a network file system, ${name}, where locks and commits of the ledger do not hold`,
    { hint: 'point REFERRY_STATE at a disk of this machine; backups may go to the network (REFERRY_BACKUP_TO)' },
  );
}

/** Why a folder may be a wrong place for the ledger; `undefined` where nothing speaks against it. */
export function doubtfulDisk(folder: string, type: number = statfsSync(folder).type): string | undefined {
  return DOUBTFUL.get(type >>> 0);
}
