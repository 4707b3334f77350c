import * as z from 'zod';

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** A length of time as people write it, `90s`, `15m`, `7d`; milliseconds once read. A number is milliseconds already. */
export const duration = z.union([z.string(), z.number().nonnegative()]).transform((written, context) => {
  const milliseconds = typeof written === 'number' ? written : parseDuration(written);
  if (milliseconds === undefined) {
    context.addIssue({
      code: 'custom',
      message: `found "${written}"; a length of time is a number and a unit of ms, s, m, h, d or w, such as 60s or 7d`,
      continue: false,
    });
    return z.NEVER;
  }
  return milliseconds;
});

/** Milliseconds, or `undefined` where the text is no length of time. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,9})(ms|s|m|h|d|w)$/.exec(text.trim());
  const unit = UNITS[match?.[2] ?? ''];
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit;
}

/** `31536000000` as `365d`: the largest unit that needs no fraction. */
export function formatDuration(milliseconds: number): string {
  for (const unit of ['d', 'h', 'm', 's']) {
    const size = UNITS[unit];
    if (size !== undefined && milliseconds > 0 && milliseconds % size === 0) return `${milliseconds / size}${unit}`;
  }
  return `${milliseconds}ms`;
}
