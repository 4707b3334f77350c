import type { Said } from './classify.ts';
import { cleanCode, codesFor, suggestionsOf } from './code.ts';
import type { LinksSettings } from './settings.ts';
import { fillLoosely } from './texts.ts';

/** A code to ask for; `undefined`: Extole chooses. `none`: there is nothing left to try. */
export type CodeTry = { code: string | undefined } | 'none';

export interface CodeTries {
  first(): CodeTry;
  /** What to try after a refusal; `undefined` where it is not about the code. */
  after(refusal: Extract<Said, { kind: 'refused' }>): CodeTry | undefined;
}

const TAKEN: ReadonlySet<string> = new Set(['code_taken', 'code_taken_by_promotion']);
/** A number more or less would not help. */
const UNFIT: ReadonlySet<string> = new Set([
  'code_contains_reserved_word',
  'code_illegal_character',
  'code_out_of_range',
]);
const SUGGESTIONS = 3;

export function createCodeTries(
  settings: Pick<LinksSettings, 'code'>,
  personId: string,
  values: ReadonlyMap<string, string>,
): CodeTries {
  const { template, tries, fallback } = settings.code;
  const base = template === undefined ? '' : cleanCode(fillLoosely(template, values));
  const own = codesFor(base, personId);
  const suggested: string[] = [];
  const tried = new Set<string>();
  let left = template === undefined;

  function next(): CodeTry {
    while (tried.size < tries) {
      const code = suggested.shift() ?? own.next().value;
      if (typeof code !== 'string') break;
      // Whether Extole tells upper case from lower is not known; asking for both is asking for trouble.
      if (tried.has(code.toLowerCase())) continue;
      tried.add(code.toLowerCase());
      return { code };
    }
    return last();
  }

  function last(): CodeTry {
    if (left || fallback === 'reject') return 'none';
    left = true;
    return { code: undefined };
  }

  return {
    first: () => (template === undefined ? { code: undefined } : next()),
    after({ code, parameters }) {
      if (UNFIT.has(code)) return last();
      if (!TAKEN.has(code)) return undefined;
      suggested.push(...suggestionsOf(parameters).slice(0, SUGGESTIONS));
      return left ? 'none' : next();
    },
  };
}
