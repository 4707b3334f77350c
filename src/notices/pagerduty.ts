import type { Io } from '../model.ts';
import type { Channel, NoticeMessage } from './message.ts';
import { openPoster, type Place, sentBy } from './post.ts';

/**
 * PagerDuty's Events API v2: `trigger` opens an incident, `resolve` under the same `dedup_key` ends it; a trigger that arrives
 * twice is one incident. A summary is 1,024 characters at most.
 */
export function openPagerduty({ routingKey, ...place }: Place & { routingKey: string }, io: Io): Channel {
  const poster = openPoster(place, io);
  const post = async (action: 'trigger' | 'resolve', message: NoticeMessage) =>
    sentBy(await poster.post(JSON.stringify(eventOf(action, routingKey, message)), {}));
  return {
    async send(message) {
      if (message.phase === 'solved') return post('resolve', message);
      const sent = await post('trigger', message);
      // A test leaves no incident behind.
      if (message.phase === 'test' && sent.kind === 'sent') return post('resolve', message);
      return sent;
    },
    [Symbol.asyncDispose]: () => poster[Symbol.asyncDispose](),
  };
}

function eventOf(action: 'trigger' | 'resolve', routingKey: string, message: NoticeMessage): object {
  const { subject, title, severity, at, job, kind, text, detail } = message;
  const known = { routing_key: routingKey, event_action: action, dedup_key: subject };
  if (action === 'resolve') return known;
  return {
    ...known,
    client: 'Referry',
    payload: {
      summary: title.slice(0, 1024),
      source: 'referry',
      severity,
      timestamp: at,
      component: job,
      class: kind,
      custom_details: { ...detail, text },
    },
  };
}
