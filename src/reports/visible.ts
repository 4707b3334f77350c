/**
 * Characters that would hide, reorder or act: controls, terminal escapes, bidirectional overrides, zero-width marks, lone surrogates.
 * The joiners that emoji and several scripts need are left alone.
 */
const HIDDEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to find
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|\p{Cs}/gu;

/** Text as a person should see it: nothing hidden, on one line. */
export function visible(text: string): string {
  return text.replace(HIDDEN, (c) => `⟨U+${(c.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟩`);
}

/** Text of several lines as a person should see it. */
export function visibleLines(text: string): string {
  return text.split('\n').map(visible).join('\n');
}

const MARKUP: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Safe as HTML text and inside quoted attributes. */
export function html(text: string): string {
  return visible(text).replace(/[&<>"']/g, (c) => MARKUP[c] ?? c);
}

/** At most `width` characters; the middle goes, since file names differ at their ends. */
export function shortened(text: string, width: number): string {
  const characters = [...visible(text)];
  if (characters.length <= width) return characters.join('');
  const head = Math.ceil((width - 1) / 2);
  return `${characters.slice(0, head).join('')}…${characters.slice(characters.length - (width - 1 - head)).join('')}`;
}
