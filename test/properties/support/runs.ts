/**
 * How often a property is tried. The seed is fixed, so that a build does not fail by chance for somebody else's change;
 * REFERRY_PROPERTY_RUNS tries longer, with a seed of its own each time unless REFERRY_PROPERTY_SEED gives one. What fails is
 * printed with its seed and path. REFERRY_PROPERTY_SHRINK=no prints it as it was met, since whole runs take long to make small.
 */
export function runs(usual: number): { numRuns: number; seed?: number; endOnFailure?: boolean } {
  const { REFERRY_PROPERTY_RUNS: asked, REFERRY_PROPERTY_SEED: seed, REFERRY_PROPERTY_SHRINK: shrink } = process.env;
  const numRuns =
    asked === undefined ? usual : Math.max(1, Math.round(Number(asked) * (usual < 300 ? usual / 300 : 1)));
  const endOnFailure = shrink === 'no';
  if (seed !== undefined) return { numRuns, endOnFailure, seed: Number(seed) };
  return asked === undefined ? { numRuns, endOnFailure, seed: 20_261_121 } : { numRuns, endOnFailure };
}

/** Time for one property, in milliseconds: without end where more runs were asked for. */
export function timeFor(usual: number): number {
  return process.env.REFERRY_PROPERTY_RUNS === undefined ? usual : 24 * 3_600_000;
}

/**
 * For properties whose cases are whole runs of the program: tells when their time is used up, after which the cases that are
 * left pass unseen. So many of them are played however long they take, and all of them where more runs were asked for.
 */
export function budget(ms: number, least: number): () => boolean {
  const end = performance.now() + ms;
  let played = 0;
  return () => {
    const enough = played >= least && process.env.REFERRY_PROPERTY_RUNS === undefined;
    if (enough && performance.now() > end) return true;
    played++;
    return false;
  };
}
