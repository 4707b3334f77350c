/**
 * What servers out there do that a client must survive. Each can be switched while the server runs. A path rule is true
 * for everywhere, or the folder it holds for, such as `/archive`.
 */
export interface Quirks {
  /** Refuses to set times and permissions. */
  noSetstat: boolean;
  /** Permissions of a new file, whatever the client asked for. */
  fileMode: number | undefined;
  /** Plain rename replaces what is there, instead of refusing as OpenSSH does. */
  renameOverwrites: boolean;
  noPosixRename: boolean;
  noFsync: boolean;
  /** Does not say how large a request may be. */
  noLimits: boolean;
  /** A file is gone right after it was listed. */
  vanishOnArrival: boolean;
  /** Answers a read with at most so many bytes. */
  shortReads: number | undefined;
  /** At the first read of a file, the file is cut to half its size. */
  shrinkWhileRead: boolean;
  /** At the first read of a file, bytes are appended to it. */
  growWhileRead: boolean;
  /** Listings lack the line for people, from which some clients take the type. */
  emptyLongnames: boolean;
  noMtime: boolean;
  /** Listings lack permissions and with them the type; lstat still tells. */
  noModeInListing: boolean;
  /** Listings show every time so many seconds late, as some gateways do; lstat tells it right. */
  listingLate: number;
  /** Reads are never answered. */
  stallReads: boolean;
  /** Reads are not answered after so many bytes of a file. */
  stallAfterBytes: number | undefined;
  /** Nothing but the SSH keepalive is answered. */
  stallAll: boolean;
  /** The connection is reset once so many bytes of a file went either way. Happens once. */
  disconnectAtByte: number | undefined;
  /** Writes beyond so many bytes of a file fail, as with a full disk. */
  failWriteAfterBytes: number | undefined;
  /** Bytes beyond so many are thrown away and acknowledged. */
  truncateSilently: number | undefined;
  failFsync: boolean;
  failClose: boolean;
  failRename: false | 'failure' | 'denied' | 'unsupported';
  /** A rename is done, its answer never sent, the connection reset. Happens once. */
  renameReplyLost: boolean;
  /** A rename is neither answered nor done, and done late, after the next write to any file. Happens once. */
  renameHeld: boolean | (() => void);
  /** stat and lstat answer "failure", as some do under load. */
  statFailure: boolean;
  /** Every login is refused. */
  refuseAuth: boolean;
  /** Hangs up once a credential is offered: `told` as OpenSSH does after too many failures, with a reason; `silent` without a word. */
  disconnectOnAuth: false | 'told' | 'silent';
  /** Further sessions are refused at the channel. */
  maxSessions: number | undefined;
  denyRead: boolean | string;
  /** Opening to read answers "failure", as over a bad sector. */
  failRead: boolean | string;
  denyWrite: boolean | string;
  denyList: boolean | string;
  denyRename: boolean | string;
  /** Answers the next read with a packet larger than the protocol allows. */
  oversizePacket: boolean;
  /** Answers the next read with a packet whose fields are longer than itself. */
  malformedPacket: boolean;
}

export const NO_QUIRKS: Readonly<Quirks> = {
  noSetstat: false,
  fileMode: undefined,
  renameOverwrites: false,
  noPosixRename: false,
  noFsync: false,
  noLimits: false,
  vanishOnArrival: false,
  shortReads: undefined,
  shrinkWhileRead: false,
  growWhileRead: false,
  emptyLongnames: false,
  noMtime: false,
  noModeInListing: false,
  listingLate: 0,
  stallReads: false,
  stallAfterBytes: undefined,
  stallAll: false,
  disconnectAtByte: undefined,
  failWriteAfterBytes: undefined,
  truncateSilently: undefined,
  failFsync: false,
  failClose: false,
  failRename: false,
  renameReplyLost: false,
  renameHeld: false,
  statFailure: false,
  refuseAuth: false,
  disconnectOnAuth: false,
  maxSessions: undefined,
  denyRead: false,
  failRead: false,
  denyWrite: false,
  denyList: false,
  denyRename: false,
  oversizePacket: false,
  malformedPacket: false,
};

/** Whether a path rule holds for this path. */
export function denies(rule: boolean | string, path: string): boolean {
  return typeof rule === 'boolean' ? rule : path === rule || path.startsWith(`${rule}/`);
}
