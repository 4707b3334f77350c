let misses = 0;

/** Figures that did not keep their bounds so far. */
export const missed = (): number => misses;

/** `bound`: at least that; negative: at most its amount. */
export function show(name: string, text: string, ratio?: number, bound?: number): void {
  let verdict = '';
  if (ratio !== undefined && bound !== undefined) {
    const holds = bound > 0 ? ratio >= bound : ratio <= -bound;
    if (!holds) misses++;
    verdict = `ratio ${ratio.toFixed(2)} (${bound > 0 ? 'at least' : 'at most'} ${Math.abs(bound)})${holds ? '' : '  MISSED'}  `;
  }
  process.stdout.write(`${name.padEnd(14)} ${verdict}${text}\n`);
}

export function perSecond(rowsPerMs: number): string {
  return Math.round(rowsPerMs * 1000).toLocaleString('en');
}
