import type { Answer } from '../../../model.ts';

/** A customer who is to have a link. At least one of email and partnerUserId is there. */
export interface LinkPerson {
  /** Lower case, without spaces. */
  email?: string;
  partnerUserId?: string;
  /** The customer's columns, for the texts of the settings. */
  columns: Readonly<Record<string, string>>;
}

/** A person's link as Extole has it. */
export interface ShareLink {
  personId: string;
  /** With https://, whatever Extole wrote. */
  link: string;
  code: string;
  /** Empty where the link has none. */
  key: string;
  label: string;
  /** It was there when we looked; else Extole made it at this request. */
  adopted: boolean;
}

/** Everything but a link. */
export type LinkProblem =
  /** Several profiles may be meant, and a person has to say which. Nothing was made. */
  | { kind: 'ambiguous'; code: string; reason: string; personIds: readonly string[] }
  | Exclude<Answer, { kind: 'accepted' }>;

export type LinkAnswer = ({ kind: 'accepted' } & ShareLink) | LinkProblem;

/** A step on the way to a link. */
export type Step<T> = { kind: 'ok'; value: T } | LinkProblem;

export function ok<T>(value: T): Step<T> {
  return { kind: 'ok', value };
}
