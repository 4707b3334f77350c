import type { Io } from '../../../model.ts';
import { createCaller } from '../../caller.ts';
import type { Prepared } from '../../calls.ts';
import type { MembershipTarget } from '../../membership.ts';
import { asAnswers, asList, type ChangeRow, createChangeSender, notReady } from '../../membership-calls.ts';
import { pathAt } from '../../reach-settings.ts';
import { PROVIDER } from '../classify.ts';
import { limitOf } from '../limit.ts';
import { busy, classifyMembers, type Hints } from './classify.ts';
import { createLookUp } from './look-up.ts';
import type { BrazeMembershipSettings } from './settings.ts';

type CohortSettings = NonNullable<BrazeMembershipSettings['cohort']>;

/** Calls under way at once. Nobody is in two of them. */
const AT_ONCE = 4;
const MAX_BODY_BYTES = 1024 * 1024;
/** Of the members in a call. Braze names no bound; that of its other calls is kept. */
const MAX_MEMBER_BYTES = 3_900_000;

const HINTS: Hints = {
  unauthorized:
    'partnerApiKey or clientSecret is not accepted, or the partner is not switched on in the workspace; check both, and url: US and EU have different keys',
  forbidden: 'the partner may not change cohorts of this workspace; ask Braze',
};

/** A cohort with the segment's name. Only differences are sent; Braze never makes users of them. */
export function createCohort(settings: BrazeMembershipSettings, cohort: CohortSettings, io: Io): MembershipTarget {
  const { url } = settings;
  const { partner, partnerApiKey, clientSecret, idsPerCall, requestsPerHour } = cohort;
  const secrets = [partnerApiKey, clientSecret];
  const base = pathAt(url, `/partners/${encodeURIComponent(partner)}/cohorts`);
  const caller = createCaller(
    {
      ...settings,
      provider: PROVIDER,
      origin: new URL(url).origin,
      headers: ['Content-Type', 'application/json', 'User-Agent', 'referry'],
      secretHeader: 'Authorization',
      pace: { by: `braze cohorts ${clientSecret}`, perMinute: requestsPerHour / 60 },
      limit: (reply) => limitOf(reply, io.now()),
      busy,
      maxBodyBytes: MAX_BODY_BYTES,
    },
    io,
  );
  const lookUp = createLookUp(settings, cohort, io);
  const keys = { partner_api_key: partnerApiKey, client_secret: clientSecret };
  let cohortId = '';

  function bodyOf(rows: readonly ChangeRow[]): string {
    const changes = [true, false].flatMap((add) => {
      const members = rows.filter(({ item }) => item.add === add).map(({ json }) => json);
      if (members.length === 0) return [];
      const field = settings.identifyBy === 'alias' ? 'aliases' : 'user_ids';
      return [`{"${field}":[${members.join(',')}]${add ? '' : ',"should_remove":true'}}`];
    });
    const head = JSON.stringify({ ...keys, cohort_id: cohortId }).slice(0, -1);
    return `${head},"cohort_changes":[${changes.join(',')}]}`;
  }

  const sender = createChangeSender({
    prepare: ({ id }): Prepared => ({ json: jsonOf(id, settings), kind: 'member' }),
    bounds: { rows: idsPerCall, bytes: MAX_MEMBER_BYTES },
    call: async (rows, signal) =>
      classifyMembers(await caller.post(`${base}/users`, bodyOf(rows), signal), rows, HINTS, secrets),
    close: () => caller.close(),
  });

  return {
    maxBatchSize: idsPerCall,
    concurrency: AT_ONCE,
    identity: { provider: 'braze', account: settings.account, target: 'cohort' },
    idKind: settings.identifyBy,
    async prepare(segment, signal) {
      cohortId = segment.id;
      const { earlier } = segment;
      if (earlier?.targetId === segment.id && earlier.name === segment.name) return { targetId: segment.id };
      const created_at = new Date(segment.since).toISOString();
      const body = JSON.stringify({ ...keys, cohort_id: segment.id, name: segment.name, created_at });
      const called = classifyMembers(await caller.post(base, body, signal), [segment], HINTS, secrets);
      const answer = 'refused' in called ? called.refused : called.answers[0];
      if (answer?.kind === 'accepted') return { targetId: segment.id };
      const what = `the cohort of segment ${segment.id} could not be made`;
      throw notReady(what, answer ?? { kind: 'unknown', code: 'BAD_ANSWER', reason: '' }, HINTS.unauthorized);
    },
    async apply(changes, signal) {
      const unknown = await lookUp.unknown(changes.add, signal);
      if (unknown.size === 0) return await sender.apply(changes, signal);
      const known = { add: changes.add.filter((id) => !unknown.has(id)), remove: changes.remove };
      const sent = asList(known).length === 0 ? { add: [], remove: [] } : await sender.apply(known, signal);
      const added = sent.add.values();
      const add = changes.add.flatMap((id) => unknown.get(id) ?? added.next().value ?? []);
      return asAnswers([...add, ...sent.remove], changes);
    },
    async close() {
      await Promise.all([sender.close(), lookUp.close()]);
    },
  };
}

function jsonOf(id: string, { identifyBy, aliasLabel }: BrazeMembershipSettings): string {
  return JSON.stringify(identifyBy === 'alias' ? { alias_name: id, alias_label: aliasLabel } : id);
}
