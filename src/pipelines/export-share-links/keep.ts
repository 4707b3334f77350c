import type { LinkPerson, ShareLink } from '../../destinations/extole/links/answers.ts';
import type { LinkBook, TellLink } from '../../ledger/links.ts';

/** A person, and the link that Extole gave. */
export interface Linked {
  person: LinkPerson;
  found: ShareLink;
}

/** Writes links to the ledger; those that come at the same time share a transaction. Throws what the ledger says. */
export function createKeeper(now: () => number): { keep(book: LinkBook, linked: Linked): Promise<void> } {
  let waiting: { book: LinkBook; linked: Linked; done: () => void; failed: (error: unknown) => void }[] = [];

  const flush = (): void => {
    const all = waiting;
    waiting = [];
    for (const [book, its] of Map.groupBy(all, (each) => each.book)) {
      try {
        const at = now();
        book.record(
          its.map(({ linked }) => tell(linked, at)),
          at,
        );
        for (const { done } of its) done();
      } catch (error) {
        for (const { failed } of its) failed(error);
      }
    }
  };

  return {
    keep: (book, linked) =>
      new Promise((done, failed) => {
        if (waiting.length === 0) setImmediate(flush);
        waiting.push({ book, linked, done, failed });
      }),
  };
}

function tell({ person, found }: Linked, asOf: number): TellLink {
  const { personId, link, code, key, adopted } = found;
  const { email, partnerUserId } = person;
  return { email, partnerUserId, personId, link, code, key, cameBy: adopted ? 'adopted' : 'created', asOf };
}
