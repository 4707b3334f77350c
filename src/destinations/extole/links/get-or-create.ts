import { type LinkPerson, type LinkProblem, ok, type ShareLink, type Step } from './answers.ts';
import type { Attempt } from './calls.ts';
import { asRejected, type Said } from './classify.ts';
import { createCodeTries } from './code-tries.ts';
import type { FoundPerson } from './persons.ts';
import type { LinksSettings } from './settings.ts';
import { chooseShareable, listShareables, postShareable, type Shareable, sameLabel } from './shareables.ts';
import { contentOf, dataOf, fill, valuesOf } from './texts.ts';

/**
 * The person's link for the label: the one that is there, else one that is made. Where an answer is lost, or Extole says that our
 * key or code is taken, it looks again before it asks again, so that a person never gets a second link.
 */
export async function linkFor(
  attempt: Attempt,
  settings: LinksSettings,
  found: FoundPerson,
  person: LinkPerson,
): Promise<Step<ShareLink>> {
  const { label } = settings;
  const values = valuesOf(label, found.id, person);
  const key = fill(settings.key, values);
  if (key === undefined) {
    return { kind: 'rejected', code: 'KEY_INCOMPLETE', reason: `a column of the link's key is empty: ${settings.key}` };
  }
  const existing = createLook(attempt, settings, found.id, key);
  if (!found.fresh) {
    const known = await existing.ofLabel();
    if (known) return known;
  }
  const codes = createCodeTries(settings, found.id, values);
  const texts = { content: contentOf(settings.content, values), data: dataOf(settings.data, values) };
  let lookedForCode = false;
  for (let next = codes.first(); ; ) {
    if (next === 'none') return noCode(settings);
    const said = await postShareable(attempt, settings, found.id, { label, key, code: next.code, ...texts });
    switch (said.kind) {
      case 'made': {
        const { shareable } = said;
        // An account that gives the same link for the same key may give one of another label.
        if (shareable.label !== '' && !sameLabel(shareable.label, label)) return otherLabel(shareable);
        return linked(shareable, found.id, label, false);
      }
      case 'refused': {
        if (said.code === 'shareable_key_taken') return await existing.ofKey(said);
        const after = codes.after(said);
        if (after === undefined) return existing.problem(asRejected(said));
        // Ours, perhaps, from an earlier request whose answer never came.
        const known = lookedForCode ? undefined : await existing.ofCode();
        if (known) return known;
        lookedForCode = true;
        if (after === 'none') return { ...asRejected(said), reason: `${said.reason}; ${noCodeHint(settings)}` };
        next = after;
        break;
      }
      case 'unknown':
      case 'halted': {
        if (said.kind === 'halted' && !said.doubtful) return existing.problem(said);
        existing.doubt(said);
        lookedForCode = false;
        if (!(await attempt.pause(said.kind === 'unknown' ? said.afterMs : 0))) return said;
        const known = await existing.ofLabel();
        if (known) return known;
        if (said.kind === 'halted') return said;
        // It is asked for once more under the same key, of which Extole keeps one.
        break;
      }
      default:
        return existing.problem(said);
    }
  }
}

/** How often to look for a link that Extole says is there. */
const LOOKS = 4;

type Problem = Exclude<Said, { kind: 'ok' | 'refused' }>;

/** Looks at a person's links, knowing whether one of ours may have been made. */
function createLook(attempt: Attempt, settings: LinksSettings, personId: string, key: string) {
  const { label } = settings;
  let doubt: Problem | undefined;

  /** A problem that keeps us from looking leaves open what became of a request before it. */
  function problem(found: LinkProblem): LinkProblem {
    if (doubt === undefined) return found.kind === 'unknown' ? { ...found, kind: 'retryable' } : found;
    if (found.kind === 'halted') return { ...found, doubtful: true };
    // Nor is a no to a later request an answer to the one before it.
    return found.kind === 'ambiguous'
      ? found
      : { ...plain(found), ...('afterMs' in found ? { afterMs: found.afterMs } : {}), kind: 'unknown' };
  }

  /** `undefined`: there is none. */
  async function ofLabel(): Promise<Step<ShareLink> | undefined> {
    const list = await listShareables(attempt, settings, personId, label);
    if (list.kind !== 'ok') return problem(list);
    const one = chooseShareable(list.value, key);
    return one && linked(one, personId, label, true);
  }

  /** A code is taken: by a request of ours before, or by somebody else (`undefined`). */
  async function ofCode(): Promise<Step<ShareLink> | undefined> {
    for (let looks = 1; ; looks += 1) {
      const known = await ofLabel();
      if (known || doubt === undefined) return known;
      // The one that we asked for may be slow to show; the next run knows.
      if (looks === LOOKS || !(await attempt.pause())) return doubt;
    }
  }

  /** Extole has a link with our key, which holds the person's id: it may be slow to show, or have another label. */
  async function ofKey(refusal: Extract<Said, { kind: 'refused' }>): Promise<Step<ShareLink>> {
    for (let looks = 1; ; looks += 1) {
      const list = await listShareables(attempt, settings, personId);
      if (list.kind !== 'ok') return problem(list);
      const ofThisLabel = list.value.filter((one) => sameLabel(one.label, label));
      const one = chooseShareable(ofThisLabel, key);
      if (one) return linked(one, personId, label, true);
      const other = list.value.find((shareable) => shareable.key === key);
      if (other) return otherLabel(other);
      if (looks === LOOKS || !(await attempt.pause())) break;
    }
    const reason = `${refusal.reason}: a link with this person's key exists, and Extole does not show it`;
    return problem({ kind: 'retryable', code: refusal.code, reason, http: refusal.http });
  }

  return {
    ofLabel,
    ofCode,
    ofKey,
    problem,
    /** A request may have made a link. */
    doubt(said: Problem): void {
      doubt = said;
    },
  };
}

function plain({ code, reason, http }: { code: string; reason: string; http?: number }) {
  return { code, reason, ...(http === undefined ? {} : { http }) };
}

function linked(one: Shareable, personId: string, label: string, adopted: boolean): Step<ShareLink> {
  return ok({ personId, link: one.link, code: one.code, key: one.key, label, adopted });
}

function otherLabel({ label }: Shareable): LinkProblem {
  const reason = `the person has a link with the same key and the label ${label || '(none)'}; put {label} into the key setting`;
  return { kind: 'rejected', code: 'KEY_OF_OTHER_LABEL', reason };
}

function noCode(settings: LinksSettings): LinkProblem {
  const reason = `no code can be made of the template for this person; ${noCodeHint(settings)}`;
  return { kind: 'rejected', code: 'NO_CODE', reason };
}

function noCodeHint({ code }: LinksSettings): string {
  return code.fallback === 'reject' ? 'code.fallback: extole lets Extole choose one' : 'no other code could be found';
}
