/** How long it takes to make links through the API. */
export interface Estimate {
  /** For people who have their link already, and for those who get one. */
  requests: { least: number; most: number };
  ms: { least: number; most: number };
  /** `100,000 people at 100 requests a minute: 33 h to 50 h`. */
  text: string;
}

/**
 * A person takes one request to be found (two with e-mail and id), one to look at the links, or to be made, and one to make the
 * link. Codes that are taken, and whatever else uses the token, come on top.
 */
export function estimateFor(people: number, requestsPerMinute: number, lookups: 1 | 2 = 1): Estimate {
  const least = people * (lookups + 1);
  const most = people * (lookups + 2);
  const ms = { least: (least / requestsPerMinute) * 60_000, most: (most / requestsPerMinute) * 60_000 };
  const [from, to] = [words(ms.least), words(ms.most)];
  const count = people.toLocaleString('en-US');
  const text = `${count} people at ${requestsPerMinute.toLocaleString('en-US')} requests a minute: ${from === to ? from : `${from} to ${to}`}`;
  return { requests: { least, most }, ms, text };
}

function words(ms: number): string {
  const minutes = ms / 60_000;
  if (minutes < 1) return 'less than a minute';
  if (minutes < 100) return `${Math.round(minutes)} min`;
  const hours = minutes / 60;
  return hours < 100 ? `${Math.round(hours)} h` : `${Math.round(hours / 24)} days`;
}
