import { FAULTS, type Fault, type FaultName, type FaultRequest, type FaultSource } from './faults.ts';

/** What is to go wrong next. */
export interface FaultQueue {
  /** For the next requests that post an event, a file or a batch, one each. */
  fail(faults: readonly (Fault | FaultName)[]): void;
  /** For the next other requests to files and batches: looks, lists, downloads. */
  failLooks(faults: readonly (Fault | FaultName)[]): void;
  setSource(source: FaultSource | undefined): void;
  next(request: Omit<FaultRequest, 'seq'>, posts: boolean): { name: string; spec: Fault } | undefined;
}

export function createFaultQueue(first: FaultSource | undefined): FaultQueue {
  const ofPosts: (Fault | FaultName)[] = [];
  const ofLooks: (Fault | FaultName)[] = [];
  let source = first;
  let seq = 0;
  return {
    fail: (faults) => void ofPosts.push(...faults),
    failLooks: (faults) => void ofLooks.push(...faults),
    setSource: (next) => {
      source = next;
    },
    next(request, posts) {
      seq += 1;
      const found = (posts ? ofPosts : ofLooks).shift() ?? source?.({ seq, ...request });
      if (found === undefined) return undefined;
      return typeof found === 'string' ? { name: found, spec: FAULTS[found] } : { name: found.kind, spec: found };
    },
  };
}
