import { hostname } from 'node:os';
import { isAsked, leaveRequest } from '../ledger/requests.ts';
import { lastFire, rememberFire } from '../ledger/schedules.ts';
import { latestDue } from './due.ts';
import type { Duty } from './duties.ts';
import { cronOf } from './duty-backup.ts';

/** No job has such an id. */
const PRUNE = '/prune';

/** Once a day what was kept for long enough goes: as a request, since nothing else may run meanwhile. */
export const pruneDuty: Duty = {
  name: 'prune',
  see: async ({ ledger, io, upkeep }) => {
    if (upkeep.pruneAt === undefined) return;
    const since = lastFire(ledger, PRUNE);
    if (since === undefined) return rememberFire(ledger, PRUNE, io.now());
    const due = latestDue(cronOf(upkeep.pruneAt.at), upkeep.pruneAt.timezone, since, io.now());
    if (due === undefined) return;
    if (!isAsked(ledger, 'prune')) {
      const request = JSON.stringify({ verb: 'prune', dryRun: false });
      leaveRequest(ledger.db, 'prune', request, `${hostname()}:${process.pid}`, io.now());
    }
    rememberFire(ledger, PRUNE, due);
  },
};
