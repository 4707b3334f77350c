import type { Answer, Io } from '../../model.ts';
import type { ProbeStep } from '../probe-step.ts';
import { jsonObject, listOf } from '../reply-json.ts';
import { createApi, type HubspotApi, type Result, troubleOf } from './api.ts';
import { maySayNoProperty } from './classify.ts';
import type { HubspotSettings } from './settings.ts';

/** What a job does at HubSpot. */
export interface HubspotNeeds {
  /** The contact property of the link. */
  property: string;
  /** Contacts are written. */
  write: boolean;
  /** Files are handed in as imports. */
  imports: boolean;
}

/** Somebody waits for the answer. */
const PATIENCE_MS = 5000;

const READ = 'crm.objects.contacts.read';
const WRITE = 'crm.objects.contacts.write';
const DEFINE = 'crm.schemas.contacts.write';
const IMPORT = 'crm.import';

/**
 * What `doctor` asks of HubSpot, without changing anything there: is it reached, is the token accepted, may the app do what the job needs,
 * and how many contacts have no link. Source of the call for the scopes: developers.hubspot.com, private apps.
 */
export async function probeHubspot(
  settings: HubspotSettings,
  needs: HubspotNeeds,
  io: Io,
  signal: AbortSignal,
): Promise<ProbeStep[]> {
  const api = createApi({ ...settings, patience: PATIENCE_MS }, io);
  try {
    const scopes = await scopesOf(api, settings, signal);
    const without = { propertyName: needs.property, operator: 'NOT_HAS_PROPERTY' };
    const looked = lookedOf(await countOf(without, api, settings, signal));
    // By a property that does not exist nobody can be looked for: then all contacts are without it.
    const everybody = { propertyName: 'hs_object_id', operator: 'GT', value: '0' };
    const all = 'noProperty' in looked ? lookedOf(await countOf(everybody, api, settings, signal)) : looked;
    return [
      ...tokenSteps(scopes, looked, settings),
      ...scopeSteps(scopes, looked, needs),
      ...contactSteps(looked, all, needs),
    ];
  } finally {
    await api.close();
  }
}

/** How many contacts there are without the property; or that there may be no such property; or no answer to go by. */
type Looked = { value: number } | { noProperty: Answer } | { failed: Answer };

function lookedOf(result: Result<number>): Looked {
  if ('value' in result) return result;
  const trouble = troubleOf(result);
  return maySayNoProperty(trouble) ? { noProperty: trouble } : { failed: trouble };
}

/** Only a private app's token has them; of others nothing is known beforehand. */
async function scopesOf(
  api: HubspotApi,
  { paths, token }: HubspotSettings,
  signal: AbortSignal,
): Promise<ReadonlySet<string> | undefined> {
  const result = await api.post(
    paths.tokenInfo,
    { tokenKey: token },
    (reply) => {
      const scopes = listOf(jsonObject(reply.body)?.scopes).filter((scope) => typeof scope === 'string');
      return scopes.length > 0 ? new Set(scopes) : undefined;
    },
    signal,
  );
  return 'value' in result ? result.value : undefined;
}

function countOf(
  filter: Readonly<Record<string, string>>,
  api: HubspotApi,
  { paths }: HubspotSettings,
  signal: AbortSignal,
): Promise<Result<number>> {
  const body = { filterGroups: [{ filters: [filter] }], limit: 1 };
  return api.search(
    `${paths.contacts}/search`,
    body,
    (reply) => {
      const total = jsonObject(reply.body)?.total;
      return typeof total === 'number' ? total : undefined;
    },
    signal,
  );
}

function tokenSteps(scopes: ReadonlySet<string> | undefined, looked: Looked, { url }: HubspotSettings): ProbeStep[] {
  const failed = 'failed' in looked ? looked.failed : undefined;
  const [code, reason] = failed ? wordsOf(failed) : ['', ''];
  if (failed && code !== 'UNAUTHORIZED' && code !== 'FORBIDDEN')
    return [
      {
        step: `reach ${url}`,
        ok: false,
        detail: `${code}: ${reason}`,
        hint: 'check the URL, and that the firewall lets us out to it',
      },
    ];
  const reached: ProbeStep = { step: `reach ${url}`, ok: true, detail: 'answers' };
  if (code === 'UNAUTHORIZED') {
    const hint =
      'make a private app in HubSpot (Settings, Integrations, Private Apps), and put its access token where `token` refers to';
    return [reached, { step: 'token accepted', ok: false, detail: reason, hint }];
  }
  const detail = scopes ? "it is a private app's" : "it is no private app's, so its scopes are not known beforehand";
  return [reached, { step: 'token accepted', ok: true, detail }];
}

/** What the job needs: the scope, and what for. */
function scopeSteps(scopes: ReadonlySet<string> | undefined, looked: Looked, needs: HubspotNeeds): ProbeStep[] {
  const hint = 'add them in HubSpot: Settings, Integrations, Private Apps, the app, Scopes; the token stays the same';
  if (!scopes) {
    if (!('failed' in looked)) return [];
    const [code, reason] = wordsOf(looked.failed);
    return code === 'FORBIDDEN' ? [{ step: 'scopes', ok: false, detail: reason, hint }] : [];
  }
  const wanted = [READ, ...(needs.write ? [WRITE] : []), ...(needs.imports ? [IMPORT] : [])];
  const missing = wanted.filter((scope) => !scopes.has(scope));
  const makes = needs.write && 'noProperty' in looked;
  const has = makes && scopes.has(DEFINE) ? [...wanted, DEFINE] : wanted;
  const steps: ProbeStep[] = [
    missing.length === 0
      ? { step: 'scopes', ok: true, detail: has.join(', ') }
      : { step: 'scopes', ok: false, detail: `the app lacks ${missing.join(', ')}`, hint },
  ];
  if (makes && !scopes.has(DEFINE))
    steps.push({
      step: 'scopes',
      ok: false,
      detail: `the app lacks ${DEFINE}, so it cannot make ${needs.property}`,
      hint,
    });
  return steps;
}

function contactSteps(looked: Looked, all: Looked, { property, write }: HubspotNeeds): ProbeStep[] {
  const step = `property ${property}`;
  if ('value' in looked) return [{ step, ok: true, detail: `${contacts(looked.value)} have no ${property} yet` }];
  if ('failed' in looked) return [];
  const [, reason] = wordsOf(looked.noProperty);
  const told = 'value' in all ? `is not there, so all ${contacts(all.value)} are without it` : reason;
  if (write) return [{ step, ok: true, doubtful: true, detail: `${told}; the first run makes it` }];
  const hint = `make it in HubSpot: Settings, Properties, contact properties, single-line text, internal name ${property}`;
  return [{ step, ok: false, detail: told, hint }];
}

const contacts = (n: number): string => `${n.toLocaleString('en-US')} contact${n === 1 ? '' : 's'}`;

const wordsOf = (answer: Answer): [string, string] =>
  answer.kind === 'accepted' ? ['', ''] : [answer.code, answer.reason];
