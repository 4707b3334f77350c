import type { Io } from '../model.ts';
import { type Channel, headline } from './message.ts';
import { openPoster, type Place, sentBy } from './post.ts';

/** `&`, `<` and `>` are the only characters that Slack reads as markup of its own in a text. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** An incoming webhook that takes `{ text }`: Slack, and those that are compatible with it. */
export function openSlack(place: Place, io: Io): Channel {
  const poster = openPoster(place, io);
  return {
    async send(message) {
      const text = `*${escaped(headline(message))}*\n${escaped(message.text)}`;
      return sentBy(await poster.post(JSON.stringify({ text }), { 'x-referry-notice': message.id }));
    },
    [Symbol.asyncDispose]: () => poster[Symbol.asyncDispose](),
  };
}
