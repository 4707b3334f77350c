import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import Database from 'better-sqlite3';
import { fromEnv } from '../../integration/support/usual-job.ts';
import type { Scenario, Story } from '../scenario.ts';

interface Message {
  id: string;
  about: string;
}

/** Takes what is posted to it, and sometimes says that it did not. */
async function listen(fails: () => boolean): Promise<{ url: string; got: Message[]; close(): void }> {
  const got: Message[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const { id, subject, kind, phase } = JSON.parse(Buffer.concat(parts).toString('utf8'));
      got.push({ id: String(id), about: JSON.stringify([kind, subject, phase]) });
      response.writeHead(fails() ? 503 : 200).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/hook`,
    got,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** A message whose try was cut off is tried again after a minute: it is over. */
function tryAgainNow({ world }: Story): void {
  if (!existsSync(world.ledger)) return;
  const ledger = new Database(world.ledger);
  try {
    const known = ledger.prepare("SELECT 1 FROM sqlite_master WHERE name = 'notice_messages'").get();
    if (known) ledger.exec("UPDATE notice_messages SET next_at = 0 WHERE state = 'planned'");
  } finally {
    ledger.close();
  }
}

const TELLING = 'daemon that tells';

/** People are told of what needs them: at least once, and again only under the same id, where the process died before it knew. */
export const scenario: Scenario = {
  name: 'notices',
  about: 'daemon with a webhook that is told of conflicts',
  weight: 0.7,
  reaches: { [TELLING]: ['notice-planned', 'notice-sent'] },
  world: { remote: 'local' },
  faults: { extole: 0.15 },
  async tell(story) {
    const hook = await listen(() => story.chance.hit(0.1));
    try {
      story.job({ notify: [{ webhook: { url: hook.url, secret: fromEnv('EXTOLE_TOKEN') } }] });
      const seen = new Map<string, string>();
      for (const day of [1, 2, 3]) {
        story.drop(story.sampler.file(`day-${day}.csv`, { rows: 6 }));
        await story.daemon({ kills: 3, before: () => tryAgainNow(story) });
        // The last look of a daemon is after its runs: one more life in peace has told everything.
        await story.daemon({ kills: 4, until: () => true, before: () => tryAgainNow(story), chapter: TELLING });
      }
      tryAgainNow(story);
      await story.daemon({ kills: 0, until: () => hook.got.length > 0 });
      for (const { id, about } of hook.got) {
        if ((seen.get(id) ?? about) !== about) story.complain('other', `two messages have the id ${id}: ${about}`);
        seen.set(id, about);
      }
      if (hook.got.length === 0) story.complain('other', 'nobody was told of rows in conflict');
    } finally {
      hook.close();
    }
  },
};
