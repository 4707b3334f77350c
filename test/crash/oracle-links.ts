import type { ExpectedRow, InputFile } from './oracle.ts';
import { readCsv } from './oracle-csv.ts';

/** Whom Extole knows before anything begins, as the oracle needs it. */
export interface Known {
  email: string;
  partnerUserId?: string;
  profiles: number;
}

/** What must become of customers: from the inputs alone, and from whom Extole knew. It imports nothing of the product. */
export interface LinkProphecy {
  /** By the file's name. */
  files: ReadonlyMap<string, readonly ExpectedRow[]>;
  /** Who must have a link in the end: the address at Extole, by what our ledger knows the person by. */
  people: ReadonlyMap<string, string>;
}

/** `files` in the order in which they are worked on. */
export function foretellLinks(files: readonly InputFile[], known: readonly Known[]): LinkProphecy {
  const people = new Map<string, string>();
  const owned = new Set<string>();
  const result = new Map<string, ExpectedRow[]>();
  for (const { name, text } of files) {
    const [, ...records] = readCsv(text, ',');
    const before = new Set(owned);
    const rows: ExpectedRow[] = [];
    for (const { line, input, fields } of records) {
      const [email = '', member = ''] = fields;
      const key = email.toLowerCase() || member;
      const fate = fateOf({ email, member, key, width: fields.length }, before, owned, known);
      rows.push({ line, input, key, ...fate });
      if (fate.outcome === 'rejected') continue;
      owned.add(key);
      if (fate.outcome === 'delivered') people.set(key, addressOf(key, known));
    }
    result.set(name, rows);
  }
  return { files: result, people };
}

interface Customer {
  email: string;
  member: string;
  key: string;
  width: number;
}

function fateOf(
  { email, member, key, width }: Customer,
  before: ReadonlySet<string>,
  owned: ReadonlySet<string>,
  known: readonly Known[],
): Pick<ExpectedRow, 'outcome' | 'code'> {
  if (width !== 4) return { outcome: 'rejected', code: 'COLUMN_COUNT' };
  if (email !== '' && !/^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(email)) return { outcome: 'rejected', code: 'EMAIL_INVALID' };
  if (email === '' && member === '') return { outcome: 'rejected', code: 'IDENTITY_MISSING' };
  if (before.has(key)) return { outcome: 'duplicate', code: 'DUPLICATE' };
  if (owned.has(key)) return { outcome: 'duplicate', code: 'DUPLICATE_IN_FILE' };
  const profiles = known.find((each) => each.email === key)?.profiles ?? 1;
  return profiles > 1 ? { outcome: 'held', code: 'SEVERAL_PROFILES' } : { outcome: 'delivered', code: '' };
}

const addressOf = (key: string, known: readonly Known[]): string =>
  key.includes('@') ? key : (known.find(({ partnerUserId }) => partnerUserId === key)?.email ?? key);
