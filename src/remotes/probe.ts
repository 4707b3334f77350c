import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import type { Io, Remote } from '../model.ts';
import { TransferError } from '../model.ts';
import { addressOf, trustOf } from './address.ts';
import { openWire, type SeenHostKey } from './handshake.ts';
import { shown } from './names.ts';
import { openRemote } from './open.ts';
import { type RemoteSettings, remoteProblems } from './settings.ts';

/** One thing that `referry doctor` tried. */
export interface ProbeStep {
  step: 'settings' | 'reach' | 'host-key' | 'login' | 'list' | 'write' | 'rename' | 'remove';
  ok: boolean;
  detail: string;
  hint?: string;
}

/**
 * Tries a connection and what a job does with each folder. Stops at the first step that the others need. A server whose
 * key is not trusted is shown no credential: its fingerprint is shown, with the line that would trust it. `readOnly`: folders are
 * listed, and nothing is written.
 */
export async function probeRemote(
  settings: RemoteSettings,
  folders: readonly string[],
  io: Io,
  options: { readOnly?: boolean } = {},
): Promise<ProbeStep[]> {
  const steps: ProbeStep[] = [];
  if (settings.url.startsWith('sftp:') && !(await probeConnection(settings, io, steps))) return steps;
  let remote: Remote;
  try {
    remote = await openRemote(settings, io);
  } catch (error) {
    steps.push(failed(settings.url.startsWith('sftp:') ? 'login' : 'reach', error));
    return steps;
  }
  try {
    if (!settings.url.startsWith('sftp:')) steps.push({ step: 'reach', ok: true, detail: `${remote.url} is a folder` });
    for (const folder of folders.length > 0 ? folders : ['.'])
      await probeFolder(remote, folder, io, steps, options.readOnly ?? false);
  } finally {
    await remote[Symbol.asyncDispose]();
  }
  return steps;
}

/** True where everything up to the login works. */
async function probeConnection(settings: RemoteSettings, io: Io, steps: ProbeStep[]): Promise<boolean> {
  const address = addressOf(settings.url);
  let seen: SeenHostKey | undefined;
  try {
    const wire = await openWire(settings, address, trustOf(settings, address), io, undefined, (key) => {
      seen ??= key;
      if (key.verdict.kind === 'match') seen = key;
    });
    wire.socket.destroy();
  } catch (error) {
    const code = error instanceof TransferError ? error.code : '';
    if (code === 'SFTP_UNREACHABLE' || code === 'SSH_HANDSHAKE') {
      steps.push(failed('reach', error));
      return false;
    }
    if (seen === undefined) {
      steps.push(failed('settings', error));
      return false;
    }
    steps.push({ step: 'reach', ok: true, detail: `${address.host}:${address.port} answers` });
    if (code.startsWith('HOSTKEY_')) {
      steps.push(failed('host-key', error));
      return false;
    }
    steps.push(hostKeyStep(seen, settings), failed('login', error));
    return false;
  }
  steps.push({ step: 'reach', ok: true, detail: `${address.host}:${address.port} answers` });
  if (seen !== undefined) steps.push(hostKeyStep(seen, settings));
  for (const { field, message } of remoteProblems(settings))
    steps.push({ step: 'settings', ok: false, detail: `${field}: ${message}` });
  steps.push({ step: 'login', ok: true, detail: `logged in as ${shown(address.username)}` });
  return true;
}

/** While a key changes both are pinned; the old one is not to be trusted for ever. */
function hostKeyStep(seen: SeenHostKey, { hostKey }: RemoteSettings): ProbeStep {
  const others = (Array.isArray(hostKey) ? hostKey : []).filter((each) => each.replace(/=$/, '') !== seen.fingerprint);
  const more =
    others.length === 0 ? '' : `; once the server shows it for good, take ${others.join(' and ')} out of hostKey`;
  return { step: 'host-key', ok: true, detail: `${seen.fingerprint} (${seen.type}) is the trusted key${more}` };
}

async function probeFolder(
  remote: Remote,
  folder: string,
  io: Io,
  steps: ProbeStep[],
  readOnly: boolean,
): Promise<void> {
  const where = shown(folder);
  try {
    const listed = await remote.list(folder, new AbortController().signal);
    // Such as .gitkeep: no run takes them, and people do not count them.
    const files = listed.files.filter(({ name }) => !name.startsWith('.'));
    steps.push({
      step: 'list',
      ok: true,
      detail: `${where}: ${files.length} ${files.length === 1 ? 'file' : 'files'}`,
    });
  } catch (error) {
    steps.push(failed('list', error));
    return;
  }
  if (readOnly) return;
  const tag = `.referry-doctor.${Math.floor(io.random() * 36 ** 6).toString(36)}`;
  const [first, second] = [posix.join(folder, `${tag}.a`), posix.join(folder, `${tag}.b`)];
  const scratch = await mkdtemp(join(tmpdir(), 'referry-doctor-'));
  const bytes = Buffer.from('referry doctor\n');
  const local = {
    path: join(scratch, 'probe'),
    size: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  };
  let step: ProbeStep['step'] = 'write';
  try {
    await writeFile(local.path, bytes);
    await remote.publish(first, local);
    steps.push({ step, ok: true, detail: `${where}: a file can be written` });
    step = 'rename';
    await remote.move(first, second);
    steps.push({ step, ok: true, detail: `${where}: a file can be renamed` });
    step = 'remove';
    await remote.remove(second);
  } catch (error) {
    steps.push(failed(step, error));
    await remote.remove(first).catch(() => {});
    await remote.remove(second).catch(() => {});
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function failed(step: ProbeStep['step'], error: unknown): ProbeStep {
  if (!(error instanceof Error)) return { step, ok: false, detail: String(error) };
  const hint = error instanceof TransferError ? error.hint : undefined;
  const detail = error instanceof TransferError ? `${error.code}: ${error.message}` : error.message;
  return { step, ok: false, detail, ...(hint === undefined ? {} : { hint }) };
}
