import type { Register } from './registry.ts';

export const registerHealth: Register = (program, exit) => {
  program
    .command('health')
    .description('Asks the daemon of this machine whether it is well. For health checks of containers and scripts.')
    .option('--ready', 'ask whether it can do its work (/readyz), not only whether it lives (/healthz)')
    .option('--wait <duration>', 'ask again until it says yes, for so long, e.g. 30s after a start')
    .option('--url <url>', 'where it listens; default: what REFERRY_LISTEN says')
    .addHelpText(
      'after',
      `
Exits 0 where the daemon says yes, 4 where it says no or does not answer within 5 s; the reasons go to standard error.

Example:
  REFERRY_LISTEN=127.0.0.1:9464 referry health --ready --wait 30s`,
    )
    .action(async (_: unknown, command) => {
      const options: { ready?: boolean; wait?: string; url?: string; jobs?: string; state?: string } =
        command.optsWithGlobals();
      const { openWorld } = await import('./shared.ts');
      const { note, say } = await import('./print.ts');
      const { EXIT, TransferError } = await import('../model.ts');
      const { settings, io } = openWorld(options);
      const { listen } = settings;
      const { duration } = await import('../mapping/duration.ts');
      const until = io.monotonic() + (options.wait === undefined ? 0 : duration.parse(options.wait));
      if (options.url === undefined && listen === undefined)
        throw new TransferError('USAGE', 'it is not known where the daemon listens', {
          hint: 'set REFERRY_LISTEN as for the daemon, or give --url http://127.0.0.1:9464',
        });
      // A daemon that listens on every address answers on this machine's own.
      const host = listen === undefined || listen.host === '0.0.0.0' ? '127.0.0.1' : listen.host;
      const base = options.url ?? `http://${host.includes(':') ? `[${host}]` : host}:${listen?.port}`;
      const url = `${base.replace(/\/$/, '')}/${options.ready ? 'readyz' : 'healthz'}`;
      let { ok, reasons } = await ask(url);
      while (!ok && io.monotonic() < until) {
        await io.sleep(250);
        ({ ok, reasons } = await ask(url));
      }
      for (const reason of reasons) note(reason);
      if (ok) say('ok');
      exit(ok ? EXIT.ok : EXIT.unreachable);
    });
};

async function ask(url: string): Promise<{ ok: boolean; reasons: readonly string[] }> {
  try {
    const reply = await fetch(url, { signal: AbortSignal.timeout(5000) });
    const { reasons }: { reasons?: string[] } = JSON.parse(await reply.text());
    return { ok: reply.ok, reasons: reasons ?? [] };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
    return { ok: false, reasons: [`no answer from ${url}${cause}`] };
  }
}
