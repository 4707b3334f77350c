/** What the process of the stand-ins is told. */
export type Order = { faults: boolean } | { stop: true };

/** What it says once both servers listen. */
export interface Ready {
  sftpPort: number;
  hostKey: string;
  extoleUrl: string;
  token: string;
}

/** Of the partner, at the SFTP server. */
export const PASSWORD = 'a soak password';
