import type { DedupeFindings } from '../schedule/verbs/verify-dedupe.ts';
import { say } from './print.ts';

/** What verify-dedupe answers. */
export function printFindings(job: string, findings: readonly DedupeFindings[], json: boolean): void {
  if (json) say(JSON.stringify({ job, findings }));
  else for (const finding of findings) tell(finding);
}

const WORDS: Readonly<Record<string, string>> = {
  drops: 'DROPPED',
  keeps: 'COUNTED AGAIN',
  unproven: 'NOT PROVEN to be dropped',
};

function tell({ eventName, withinEvent, acrossEvents, evidence }: DedupeFindings): void {
  const [within, across] = [WORDS[withinEvent] ?? withinEvent, WORDS[acrossEvents] ?? acrossEvents];
  say(`${eventName}: a key that Extole knows is ${within} under the same event name, ${across} under another.`);
  say(`  evidence: ${evidence}`);
}
