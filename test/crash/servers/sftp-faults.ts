import { NO_QUIRKS, type Quirks } from '../../../src/sandbox/sftp/quirks.ts';

/** How an SFTP server misbehaves while the product is killed. */
export interface SftpFaults {
  seed: number;
  /** 0 to 1: 1 is a server that does half of what it is asked. */
  share: number;
  /** Requests that are never answered, too: only where the job's timeouts are short. */
  stalls?: boolean;
}

/**
 * Makes the quirks of a running server change with each request, by the seed: each is drawn when the server looks at it. Everything
 * ambiguous is there both ways: renames that fail and renames whose answer is lost, flushes and closes that fail after the bytes
 * were kept, bytes that were thrown away with a yes.
 */
export function playFaults(quirks: Quirks, random: () => number, { share, stalls = false }: SftpFaults): void {
  const one = (p: number): boolean => random() < p * share;
  let truncated: number | undefined;
  const draw: { [name in keyof Quirks]?: () => Quirks[name] } = {
    failFsync: () => one(0.15),
    failClose: () => {
      // The end of a file: bytes are thrown away to its end, or the file would have a hole and the right size.
      truncated = undefined;
      return one(0.1);
    },
    truncateSilently: () => {
      if (truncated === undefined && one(0.15)) truncated = Math.floor(random() * 400);
      return truncated;
    },
    failWriteAfterBytes: () => (one(0.1) ? Math.floor(random() * 400) : undefined),
    renameReplyLost: () => one(0.25),
    failRename: () => (one(0.12) ? 'failure' : false),
    disconnectAtByte: () => (one(0.15) ? Math.floor(random() * 2000) : undefined),
    shortReads: () => (one(0.4) ? 1 + Math.floor(random() * 700) : undefined),
    statFailure: () => one(0.04),
    denyList: () => one(0.02),
    stallAll: () => {
      // A busy server: nothing of any session goes on meanwhile.
      if (one(0.05)) Atomics.wait(NEVER, 0, 0, random() * 20);
      return stalls && one(0.004);
    },
  };
  for (const [name, get] of Object.entries(draw)) {
    Object.defineProperty(quirks, name, { get, set: () => {}, configurable: true, enumerable: true });
  }
}

const NEVER = new Int32Array(new SharedArrayBuffer(4));

/** Every quirk as given, and no longer drawn. */
export function stopFaults(quirks: Quirks, fixed: Partial<Quirks> = {}): void {
  for (const [name, value] of Object.entries({ ...NO_QUIRKS, ...fixed })) {
    Object.defineProperty(quirks, name, { value, writable: true, configurable: true, enumerable: true });
  }
}
