import { fromEnv, type Json } from '../integration/support/usual-job.ts';
import type { Chance } from './chance.ts';
import type { InputFile } from './oracle.ts';
import type { KnownPerson } from './servers/extole.ts';
import { importInto, type PushName, pushTo } from './servers/tools.ts';
import { type CrashWorld, WINDOW } from './world.ts';

export const LABEL = 'refer';

/** Whom Extole knows: without a link, with one that somebody else made, twice, and by an id of ours. */
export const KNOWN: readonly KnownPerson[] = [
  { email: 'known@people.example', profiles: 1 },
  { email: 'linked@people.example', profiles: 1, label: LABEL },
  { email: 'twin@people.example', profiles: 2 },
  { email: 'inside@people.example', partnerUserId: 'M-INSIDE', profiles: 1 },
];

const HEADER = 'email,member,first_name,note';

export interface CustomerSampler {
  /** So many new customers; once each: whom Extole knows (`known`), rows that are refused, and rows of earlier files. */
  file(name: string, options: { people: number; known?: boolean; before?: readonly InputFile[] }): InputFile;
}

/** The note is nobody's business: it must be found nowhere but in results. */
export function createCustomers(chance: Chance): CustomerSampler {
  let files = 0;
  return {
    file(name, { people, known = false, before = [] }) {
      const tag = `f${++files}x${chance.below(900) + 100}`;
      const row = (email: string, member = ''): string =>
        `${email},${member},${chance.pick(['Ana', 'Bo', 'Zoë', "D'Arcy"])},private.example`;
      const fresh = Array.from({ length: people }, (_, i) =>
        row(`${tag}.p${i}@people.example`, chance.hit(0.5) ? `M-${tag}-${i}` : ''),
      );
      const lines = [...fresh];
      if (known) lines.push(...KNOWN.slice(0, 3).map(({ email }) => row(email)), row('', 'M-INSIDE'));
      // The same customer under another name, and in other letters.
      for (const line of fresh.slice(0, 2)) lines.push(line.replace('people.example', 'PEOPLE.example'), line);
      lines.push(row(''), row('not an address', 'M-1'), `${tag}.short@people.example,too few`);
      for (const { text } of before) lines.push(...text.split('\n').slice(1, 4));
      return { name, text: `${[HEADER, ...lines].join('\n')}\n` };
    },
  };
}

/** Places that a run comes by, beside those of every file. */
export const ON_THE_WAY = ['link-made', 'link-kept'] as const;
export const LATE = [
  'export-planned',
  'export-file-out',
  'export-out',
  'push-answered',
  'push-recorded',
  'push-results-out',
] as const;

/** The chapter of a run in which it is to die after the rows: links are made soon, and what follows is where the rare places are. */
export const AFTER_THE_ROWS = 'run after the rows';

export interface LinksWishes {
  /** Folders beside the inbox, by the kind of export. */
  exports?: readonly { kind: 'changes' | 'snapshot'; folder: string; over?: 'sftp' }[];
  push?: readonly PushName[];
  /** Files go to HubSpot's imports, too. */
  imports?: boolean;
}

const FIELDS = { email: '{email}', id: '{partner_user_id}', link: '{link}', code: '{code}' };

/** Of the usual job, what makes it one of share links. */
export function linksJob(world: CrashWorld, { exports = [], push = [], imports = false }: LinksWishes): Json {
  const { sftp, tools } = world.servers;
  const login = {
    url: `sftp://${sftp.user}@127.0.0.1:${sftp.port}`,
    password: fromEnv('SFTP_PASSWORD'),
    hostKey: sftp.hostKey,
  };
  const backoff = { first: '5ms', cap: '40ms' };
  return {
    pipeline: 'export-share-links',
    event: null,
    customers: { email: 'email', partnerUserId: 'member' },
    links: {
      label: LABEL,
      code: { template: '{first_name}' },
      patience: '2s',
      backoff,
    },
    destination: { extole: { lane: null, eventsUrl: null, token: fromEnv('EXTOLE_TOKEN') } },
    delivery: { window: WINDOW, unknown: null, concurrency: null },
    exports: [
      ...exports.map(({ kind, folder, over }) => ({
        ...{ name: kind, format: 'plain-csv', kind, columns: FIELDS },
        to: over === 'sftp' ? { ...login, url: `${login.url}/${folder}` } : { url: `file://${sftp.root}/${folder}` },
      })),
      ...(imports ? [importInto(tools.hubspot ?? '')] : []),
    ],
    push: push.map((tool) => pushTo(tool, tools[tool] ?? '')),
  };
}
