const SHOWN = 60;
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** The name of a column or key, out of a file, as a message may hold it: cut, on one line, nothing that hides, reorders or acts. */
export function tellName(name: string): string {
  const points = [...name.slice(0, SHOWN * 2).trim()];
  const some = points.slice(0, SHOWN).join('');
  const visible = some.replace(HIDDEN, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
  return points.length > SHOWN || name.length > SHOWN * 2 ? `${visible}…` : visible;
}
