import * as z from 'zod';

/** Names a target of a job: it is part of names of files, so it is plain. */
export const targetName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'expected 1 to 32 lower-case letters, digits and dashes')
  .optional()
  .describe(
    'What the target is called in reports and commands, and under which it is remembered what it has had. Absent: its kind. Two of one kind need names.',
  );

/** Two targets of one name would share what is remembered of them. */
export function namesDiffer(context: z.core.ParsePayload<readonly unknown[]>, names: readonly string[]): void {
  for (const [i, name] of names.entries()) {
    if (names.indexOf(name) === i) continue;
    const message = `two targets are called ${name}; give one of them another name`;
    context.issues.push({ code: 'custom', path: [i, 'name'], message, input: undefined });
  }
}
