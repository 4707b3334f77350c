import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';
import type { ReceiveLinks, ReceiveMembers } from '../jobs/receive-settings.ts';
import { type LinkBook, openLinkBook } from '../ledger/links.ts';
import type { Ledger } from '../ledger/open.ts';
import { recordPage } from '../ledger/received-pages.ts';
import { destinationId } from '../ledger/registry.ts';
import type { DestinationIdentity, Io } from '../model.ts';
import { extoleSentHeaders, extoleSigned, heapSigned, MOST_RESTATED } from './authentic.ts';
import type { Work } from './commits.ts';
import { readShareLink } from './extole-link.ts';
import { readPage } from './heap-page.ts';

/** What became of a post that was understood. `known`: it was in the ledger already. `full`: it may come again later. */
export type Taken = 'taken' | 'known' | 'ignored' | 'full';

/** What a post is, once its body is there. `why` holds nothing of the body. */
export type Judged =
  | { kind: 'work'; work: Work<Taken> }
  | { kind: 'ignored'; why: string }
  | { kind: 'unreadable'; why: string }
  | { kind: 'forged'; why: string };

/** A place of one job where one provider posts to. */
export interface Hook {
  job: string;
  /** The largest body, in bytes. */
  mostBytes: number;
  /** What a post is answered that is not from whom it should be. */
  forgedStatus: 401 | 403;
  /** `false`: the headers alone say that it is not from whom it should be. */
  mayBe(headers: IncomingHttpHeaders): boolean;
  judge(headers: IncomingHttpHeaders, body: Buffer): Judged;
}

export interface LinkHookOptions {
  ledger: Ledger;
  io: Io;
  job: string;
  receive: ReceiveLinks;
  destination: DestinationIdentity;
  /** The label of links that name none. */
  label: string;
  /** Labels of all jobs of this destination: links of others are nobody's here. */
  labels: readonly string[];
}

/** A share link is less than a kilobyte; the payload of a webhook may hold all of its event. */
const LINK_BYTES = 64 * 1024;
/** Some ten thousand members. */
const PAGE_BYTES = 8 * 1024 * 1024;

export function linkHook({ ledger, io, job, receive, destination, label, labels }: LinkHookOptions): Hook {
  const known = new Set(labels.map((each) => each.toLowerCase()));
  const books = new Map<string, LinkBook>();
  /** Inside a transaction, which may come to nothing: then the number of the destination is another one the next time. */
  const bookOf = (label: string): LinkBook => {
    const place = { destinationId: destinationId(ledger, destination), label };
    const name = JSON.stringify(place);
    const open = books.get(name) ?? openLinkBook(ledger, place);
    books.set(name, open);
    return open;
  };
  return {
    job,
    mostBytes: LINK_BYTES,
    forgedStatus: 401,
    mayBe: (headers) => extoleSentHeaders(receive, headers) !== false,
    judge(headers, body) {
      if (receive.keyType === 'hs256' && !extoleSigned(receive.key, headers, body))
        return { kind: 'forged', why: 'X-Extole-Signature is not that of this body' };
      const text = utf8(body);
      if (text === undefined) return NOT_UTF8;
      const now = io.now();
      const read = readShareLink(text, now);
      if (read.kind !== 'ok') return read;
      const of = (read.value.label ?? label).toLowerCase();
      if (!known.has(of)) return { kind: 'ignored', why: 'no job has its label' };
      const write = (): Taken => {
        const [end] = bookOf(of).record([read.value], now);
        return end === 'new' || end === 'changed' ? 'taken' : end === 'unidentified' ? 'ignored' : 'known';
      };
      return { kind: 'work', work: { rows: 1, write } };
    },
  };
}

export interface PageHookOptions {
  ledger: Ledger;
  io: Io;
  job: string;
  receive: ReceiveMembers;
}

export function pageHook({ ledger, io, job, receive }: PageHookOptions): Hook {
  return {
    job,
    mostBytes: PAGE_BYTES,
    forgedStatus: 403,
    mayBe: (headers) => headers['heap-hash'] !== undefined,
    judge(headers, body) {
      const verdict = heapSigned(receive.key, headers, body, io.now());
      if (verdict.kind === 'forged') return { kind: 'forged', why: 'Heap-Hash is not that of this body' };
      if (verdict.kind === 'not-restated') return TOO_LARGE_TO_RESTATE;
      if (verdict.kind === 'stale')
        return { kind: 'forged', why: 'Heap-Hash was made more than a minute ago, or later than now' };
      if (!isUtf8(body)) return NOT_UTF8;
      const read = readPage(verdict.text, job);
      if (read.kind !== 'ok') return read;
      const { value } = read;
      const write = (): Taken => {
        const end = recordPage(ledger, value, io.now());
        return end === 'new' ? 'taken' : end;
      };
      return { kind: 'work', work: { rows: 1 + value.add.length + value.remove.length, write } };
    },
  };
}

const TOO_LARGE_TO_RESTATE: Judged = {
  kind: 'forged',
  why: `Heap-Hash is not that of these very bytes, and the body is above ${MOST_RESTATED / 1024 / 1024} MB, where it is not written anew without spaces to compare: have Heap post smaller pages`,
};

const NOT_UTF8: Judged = { kind: 'unreadable', why: 'the body is not UTF-8' };

function utf8(body: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(body);
  } catch {
    return undefined;
  }
}
