import type { Profile } from '../../../destinations/profile.ts';
import { LINK_INVALID, secureLink } from '../../../exports/link.ts';
import type { LeftOut } from '../../../exports/row.ts';
import { compileTemplate, fieldsOf } from '../../../exports/template.ts';
import type { PushTarget } from '../../../jobs/push-targets.ts';
import type { KnownLink } from '../../../ledger/links.ts';
import type { CustomerColumns } from '../customer-columns.ts';
import { rowOf } from '../exports/rows.ts';

/** Makes profiles of links, as a target is to get them. */
export interface ProfileMaker {
  /** Columns of the customer file that the fields name. */
  columns: readonly string[];
  make(link: KnownLink, columns: CustomerColumns): { profile: Profile; hash: string } | LeftOut;
}

/** `hash` is keyed: what the ledger keeps of fields cannot be guessed back. */
export function profileMaker(target: Pick<PushTarget, 'fields'>, hash: (text: string) => string): ProfileMaker {
  const named = Object.entries(target.fields).map(([name, text]) => [name, compileTemplate(text)] as const);
  return {
    columns: [...new Set(Object.values(target.fields).flatMap(fieldsOf))],
    make(link, columns) {
      const row = rowOf(link, columns);
      const secure = secureLink(row.link);
      if (secure === undefined) return LINK_INVALID;
      const { email, partnerUserId: userId } = row;
      const fields: Record<string, string> = {};
      for (const [name, cell] of named) {
        const value = cell(row, secure);
        if (value !== '') fields[name] = value;
      }
      const profile = {
        ...(email === undefined ? {} : { email }),
        ...(userId === undefined ? {} : { userId }),
        fields,
      };
      return { profile, hash: hash(`profile:${JSON.stringify([email ?? '', userId ?? '', Object.entries(fields)])}`) };
    },
  };
}
