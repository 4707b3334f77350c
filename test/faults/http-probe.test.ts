import { createServer, type ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { type DedupeVerdict, verifyDedupe } from '../../src/destinations/extole/verify-dedupe.ts';
import { closeAll, io, settingsFor, standIn } from '../integration/extole-setup.ts';

type Answer = 'busy' | 'cut' | readonly object[];

/** What an account says when it is asked what became of events. `e1` to `e5` are the events of the experiment, in order. */
interface Script {
  /** By key, then by e-mail; `look` counts from 1. */
  persons(search: 'key' | 'email', look: number): Answer;
  steps(person: string, look: number): Answer;
}

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  await closeAll();
});

/** A server that takes every event, and shows what it is told to show. */
async function account(script: Script): Promise<{ url: string; looks: () => number }> {
  let events = 0;
  let looks = 0;
  const answer = (res: ServerResponse, what: Answer): void => {
    if (what === 'cut') return void res.socket?.resetAndDestroy();
    res.writeHead(what === 'busy' ? 500 : 200, { 'content-type': 'application/json' });
    res.end(what === 'busy' ? '{"code":"software_error"}' : JSON.stringify(what));
  };
  const server = createServer((req, res) => {
    req.resume().on('end', () => {
      const url = new URL(req.url ?? '', 'http://account');
      if (req.method === 'POST') {
        events++;
        res.writeHead(200, { 'content-type': 'application/json' });
        res.end(`{"event_id":"e${events}","person_id":"p1"}`);
        return;
      }
      const steps = /persons\/([^/]+)\/steps/.exec(url.pathname)?.[1];
      if (steps !== undefined) return answer(res, script.steps(steps, looks));
      const search = url.searchParams.has('person_keys') ? 'key' : 'email';
      if (search === 'key') looks++;
      answer(res, script.persons(search, looks));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(async () => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  const address = server.address();
  return { url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`, looks: () => looks };
}

const persons = (...ids: string[]): Answer => ids.map((id) => ({ id }));
const steps = (...events: string[]): Answer => events.map((id) => ({ id, event_id: id }));

async function verdict(script: Script, patience = '150ms'): Promise<DedupeVerdict & { looks: number }> {
  const { url, looks } = await account(script);
  const settings = settingsFor(await standIn(), {
    apiUrl: url,
    eventsUrl: url,
    verify: { settle: '60ms', patience, poll: '10ms' },
  });
  return { ...(await verifyDedupe(settings, 'opened', 'funded', io)), looks: looks() };
}

/**
 * Referry asks Extole what became of events in one place: where `verify-dedupe` finds out whether the account drops a key it knows.
 * Its verdict decides whether rows of unknown delivery may be sent again, so a look that fails must never pass for one that
 * found nothing.
 */
describe('what Extole says when it is asked what became of events', () => {
  it('present says that keys are kept, absent beside what shows says that they are dropped', async () => {
    const all = await verdict({ persons: () => persons('p1'), steps: () => steps('e1', 'e2', 'e3', 'e4', 'e5') });
    expect(all).toMatchObject({ withinEvent: 'keeps', acrossEvents: 'keeps' });
    const dropped = await verdict({ persons: () => persons('p1'), steps: () => steps('e1', 'e3', 'e5') });
    expect(dropped).toMatchObject({ withinEvent: 'drops', acrossEvents: 'drops' });
    const nobody = await verdict({ persons: () => [], steps: () => [] });
    expect(nobody).toMatchObject({ withinEvent: 'unproven', acrossEvents: 'unproven' });
  });

  it('one key at two persons: the steps of both count', async () => {
    const found = await verdict({
      persons: (search) => (search === 'key' ? persons('p1', 'p2') : persons('p1')),
      steps: (person) => (person === 'p1' ? steps('e1', 'e3', 'e5') : steps('e2', 'e4')),
    });
    expect(found).toMatchObject({ withinEvent: 'keeps', acrossEvents: 'keeps' });
  });

  it('a 500 or a cut connection in the middle of a look proves nothing, however much the rest of it shows', async () => {
    for (const broken of ['busy', 'cut'] as const) {
      const oneOfTwo = await verdict({
        persons: (search) => (search === 'key' ? persons('p1', 'p2') : persons('p1')),
        // The repeated event stands where nobody can look: without it, all would look like dropped.
        steps: (person) => (person === 'p1' ? steps('e1', 'e3', 'e5') : broken),
      });
      expect(oneOfTwo, broken).toMatchObject({ withinEvent: 'unproven', acrossEvents: 'unproven' });
      expect(oneOfTwo.evidence).toContain('did not answer');
      const byMailOnly = await verdict({
        persons: (search) => (search === 'key' ? broken : persons('p1')),
        steps: () => steps('e1', 'e3', 'e5'),
      });
      expect(byMailOnly, broken).toMatchObject({ withinEvent: 'unproven', acrossEvents: 'unproven' });
    }
  });

  it('a look that fails is followed by another one, and the last whole one counts', async () => {
    const script: Script = {
      persons: (_, look) => (look <= 3 ? 'busy' : persons('p1', 'p2')),
      steps: (person, look) => (person === 'p1' ? steps('e1', 'e3', 'e5') : look < 6 ? 'busy' : steps('e2')),
    };
    const found = await verdict(script, '20s');
    expect(found).toMatchObject({ withinEvent: 'keeps', acrossEvents: 'drops' });
    expect(found.looks).toBeGreaterThanOrEqual(6);
  });
});
