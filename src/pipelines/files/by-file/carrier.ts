import type { Upload } from '../../../ledger/uploads.ts';
import type { FileLane } from '../../../model.ts';
import type { RunContext } from '../context.ts';

/** What the way to Extole needs of a run; a daemon that only looks for answers has no more than this. */
export type CarrierContext = Pick<
  RunContext,
  'job' | 'ledger' | 'io' | 'signal' | 'staging' | 'destination' | 'refreshToken' | 'logins' | 'crashPoint' | 'carriers'
> & {
  /** Extole's yes to a row is not the end of it: what the row is to bring about is the proof, and somebody else looks for it. */
  linkProves?: true;
};

/**
 * A way on which whole files go to Extole. Opened when the first file needs it. Throws `TransferError` where the other side cannot
 * be used at all; what concerns one file only is written to the ledger.
 */
export interface Carrier extends AsyncDisposable {
  /** Sends a planned file, once: looks for it first. Returns the upload as `uploaded`, `started`, or with an end. */
  send(upload: Upload, path: string): Promise<Upload>;
  /** Looks for the answer and writes it down. `true`: something changed. */
  look(upload: Upload): Promise<boolean>;
}

export type OpenCarrier = (ctx: CarrierContext) => Promise<Carrier>;

export type Carriers = Readonly<Record<FileLane, OpenCarrier>>;

/** Opens each lane's carrier once for a run, when it is first asked for. */
export function createCarriers(
  ctx: CarrierContext,
  open: Carriers,
): AsyncDisposable & { of(lane: FileLane): Promise<Carrier> } {
  const opened = new Map<FileLane, Carrier>();
  return {
    async of(lane) {
      const known = opened.get(lane);
      if (known) return known;
      const carrier = await open[lane](ctx);
      opened.set(lane, carrier);
      return carrier;
    },
    async [Symbol.asyncDispose]() {
      for (const carrier of opened.values()) await carrier[Symbol.asyncDispose]();
    },
  };
}
