/** Where a column stands in the row; below zero while the file has none of that name. */
export interface Column {
  readonly name: string;
  index: number;
}

/** A column's value in a row. */
export function cellOf(column: Column, values: readonly (string | undefined)[]): string | undefined {
  return column.index < 0 ? undefined : values[column.index];
}

/** Names match without regard to case, surrounding blanks and the way accents are encoded. */
export function foldName(name: string): string {
  return name.trim().normalize('NFC').toLowerCase();
}

/**
 * Columns by name, found again whenever the file turns out to have more of them (JSON shows its keys row by row).
 * `bind` answers whether anything is new.
 */
export function columnBinder(names: readonly string[]) {
  const bound = new Map<string, Column>();
  const indexOf = new Map<string, number>();
  let known = 0;
  return {
    column(name: string): Column {
      const folded = foldName(name);
      const column = bound.get(folded) ?? { name, index: indexOf.get(folded) ?? -1 };
      bound.set(folded, column);
      return column;
    },
    bind(): boolean {
      if (names.length === known) return false;
      for (; known < names.length; known += 1) {
        const folded = foldName(names[known] ?? '');
        if (!indexOf.has(folded)) indexOf.set(folded, known);
        const column = bound.get(folded);
        if (column !== undefined && column.index < 0) column.index = known;
      }
      return true;
    },
  };
}

/** Columns that stand in braces in a template. */
export function templateColumns(template: string): string[] {
  return parseTemplate(template).flatMap((part) => ('column' in part ? [part.column] : []));
}

export type TemplatePart = { text: string } | { column: string };

/** `{first} {last}` in parts; `{{` and `}}` are braces. */
export function parseTemplate(template: string): TemplatePart[] {
  const parts: TemplatePart[] = [];
  for (const [token] of template.matchAll(/\{\{|\}\}|\{[^{}]+\}|[^{}]+|[{}]/g)) {
    if (token === '{{' || token === '}}') parts.push({ text: token.slice(1) });
    else if (token.length > 2 && token.startsWith('{')) parts.push({ column: token.slice(1, -1).trim() });
    else parts.push({ text: token });
  }
  return parts;
}
