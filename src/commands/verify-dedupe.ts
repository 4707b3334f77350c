import type { Register } from './registry.ts';

export const registerVerifyDedupe: Register = (program, exit) => {
  program
    .command('verify-dedupe')
    .argument('<job>', 'id of the job')
    .description("Finds out whether the job's Extole account drops an event whose key it knows, and records it.")
    .option('--event <name>', 'the event name to verify; default: all that the job can send')
    .option('--other <name>', 'a second event name, to find out whether keys are shared across names')
    .option('--settle <duration>', 'how long to wait for an event that is merely late, e.g. 30s; default: the job says')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
It sends a handful of events for made-up people to the account's test container (container=test), never to production, and
looks at what became of them. Until it has recorded that known keys are dropped, a row whose delivery is unknown (the answer
was lost) is held for a person instead of sent again.

Example:
  referry verify-dedupe account-openings`,
    )
    .action(async (job: string, _: unknown, command) => {
      const { performAndPrint } = await import('./perform-and-print.ts');
      const { printFindings } = await import('./print-findings.ts');
      const { verifyDedupe } = await import('../schedule/verbs/verify-dedupe.ts');
      const { duration } = await import('../delivery/settings.ts');
      const options: {
        event?: string;
        other?: string;
        settle?: string;
        jobs?: string;
        state?: string;
        json?: boolean;
      } = command.optsWithGlobals();
      const { event, other, settle } = options;
      const settleMs = settle === undefined ? {} : { settleMs: duration.parse(settle) };
      const request = {
        verb: 'verify-dedupe' as const,
        job,
        ...settleMs,
        ...(event === undefined ? {} : { event }),
        ...(other === undefined ? {} : { other }),
      };
      const { json = false } = options;
      exit(await performAndPrint(verifyDedupe, request, options, ({ findings }) => printFindings(job, findings, json)));
    });
};
