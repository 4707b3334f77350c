import type { Register } from './registry.ts';

interface Options {
  root: string;
  port: string;
  extolePort: string;
  extoleSftpPort: string;
}

export const registerSandbox: Register = (program, exit) => {
  program
    .command('sandbox')
    .description(
      'Starts an SFTP server and stand-ins for Extole and for CRM and e-mail tools, to try jobs and files against.',
    )
    .option('--root <folder>', 'where it keeps its files', 'sandbox')
    .option('--port <number>', 'port of the SFTP server', '2222')
    .option('--extole-port <number>', 'port of the Extole stand-in', '8422')
    .option('--extole-sftp-port <number>', "port of Extole's own SFTP server", '2223')
    .addHelpText(
      'after',
      `
It prints the environment with which the example jobs use it, and runs until it is stopped. Every request that the stand-in
gets is kept in <root>/extole/received.jsonl, and so is each row that it takes out of a file or a batch. HubSpot, Salesforce Marketing
Cloud, Klaviyo, Iterable and Braze stand on free ports, with the same kind of log; HubSpot knows five contacts without a share link,
Braze the users M-000001 to M-001000. Cohorts and audiences stay from one start to the next.

For the lane batch, a job says no more than "lane: batch". For the lane sftp it names Extole's SFTP server, which looks into its
folders five times a second, moves each file to archive and writes its results:
  destination:
    extole:
      lane: sftp
      sftp:
        url: "\${env:EXTOLE_SFTP_URL}"
        privateKey: "\${file:sandbox/extole/login_key}"
        hostKey: "\${env:EXTOLE_SFTP_HOST_KEY}"

Example, in three terminals:
  referry sandbox > sandbox.env
  set -a; . ./sandbox.env; set +a; referry daemon
  sftp -P 2222 partner@127.0.0.1`,
    )
    .action(async (_: unknown, command) => {
      const options: Options = command.optsWithGlobals();
      const { resolve } = await import('node:path');
      const { createLog, realIo } = await import('../io.ts');
      const { EXTOLE_SFTP_USER, startSandbox, SANDBOX_PASSWORD } = await import('../sandbox/start.ts');
      const { stopSignal } = await import('./shared.ts');
      const stop = stopSignal();
      const sandbox = await startSandbox({
        io: realIo(createLog('warn')),
        root: resolve(options.root),
        sftpPort: await portOf(options.port),
        extolePort: await portOf(options.extolePort),
        extoleSftpPort: await portOf(options.extoleSftpPort),
        tools: true,
      }).catch(async (error: unknown) => {
        throw await portTaken(error);
      });
      const lines = Object.entries(sandbox.env).map(([name, value]) => `export ${name}='${value}'`);
      process.stdout.write(`${lines.join('\n')}\n`);
      process.stderr.write(
        `referry: sandbox ready. SFTP: port ${sandbox.sftp.port}, user partner, password ${SANDBOX_PASSWORD}; Extole stand-in: ${sandbox.extole.url}, its SFTP server: port ${sandbox.extoleSftp?.server.port}, user ${EXTOLE_SFTP_USER}, key ${sandbox.extoleSftp?.keyFile}; files: ${resolve(options.root)}\n`,
      );
      await new Promise<void>((done) => {
        stop.signal.addEventListener('abort', () => done(), { once: true });
      });
      await sandbox.close();
      stop.dispose();
      exit(0);
    });
};

/** Throws where the text is no port. */
async function portOf(text: string): Promise<number> {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port < 65_536) return port;
  const { TransferError } = await import('../model.ts');
  throw new TransferError('USAGE', `port: found ${text}; a number from 0 (any free port) to 65535 is allowed`);
}

/** A port that is taken is the user's to free; anything else is as it is. */
async function portTaken(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !('code' in error) || error.code !== 'EADDRINUSE') return error;
  const { TransferError } = await import('../model.ts');
  const port = 'port' in error ? String(error.port) : '';
  return new TransferError('USAGE', `port ${port} is in use already, perhaps by another sandbox`, {
    hint: 'stop that one, or choose other ports with --port, --extole-port and --extole-sftp-port (0: any free port)',
  });
}
