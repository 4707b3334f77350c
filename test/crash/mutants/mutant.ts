/** A deliberate bug. Each is a file of this folder; the harness that does not find one of them proves nothing. */
export interface Mutant {
  /** What the product would do wrong. */
  title: string;
  edits: readonly Edit[];
  /** Who has to find it: a check, which leaves nothing to chance, or a scenario with its deaths. */
  foundBy: { check: string } | { scenario: string };
}

/** `text` occurs exactly once in the file, whose path is from the root of the project. */
export interface Edit {
  file: string;
  text: string;
  replacement: string;
}

/** What is wrong with an edit; `undefined` where it can be made. */
export function editProblem(source: string, { file, text }: Edit): string | undefined {
  const found = source.split(text).length - 1;
  if (found === 1) return undefined;
  return `${file}: the text occurs ${found} times, and has to occur once: ${text}`;
}

export function applyEdit(source: string, edit: Edit): string {
  const problem = editProblem(source, edit);
  if (problem !== undefined) throw new Error(problem);
  return source.replace(edit.text, () => edit.replacement);
}
