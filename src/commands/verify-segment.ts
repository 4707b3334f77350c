import type { Register } from './registry.ts';

export const registerVerifySegment: Register = (program, exit) => {
  program
    .command('verify-segment')
    .argument('<segment>', 'id of the segment, as the job has it in segments')
    .description('Reads the members of a segment back from its target and says what differs from what was confirmed.')
    .option('--repair', 'make the target say what was confirmed: add who is missing, remove who is too many')
    .option('--job <job>', 'the job that keeps it; needed where several have a segment of this id')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Members that somebody else added or removed at the target show here. Not every target can be read: Extole's audiences by API and
lists of HubSpot, Klaviyo and Iterable can, Braze cannot. What changed there within the last minutes may not show yet.

Example:
  referry verify-segment vip --repair`,
    )
    .action(async (segment: string, _: unknown, command) => {
      const { jobOfSegment } = await import('./job-of-segment.ts');
      const { performAndPrint } = await import('./perform-and-print.ts');
      const { printSegment } = await import('./print-segment.ts');
      const { verifySegment } = await import('../schedule/verbs/verify-segment.ts');
      const options: { repair?: boolean; job?: string; jobs?: string; state?: string; json?: boolean } =
        command.optsWithGlobals();
      const job = options.job ?? (await jobOfSegment(segment, options));
      const request = { verb: 'verify-segment' as const, job, segment, ...(options.repair ? { repair: true } : {}) };
      exit(await performAndPrint(verifySegment, request, options, printSegment));
    });
};
