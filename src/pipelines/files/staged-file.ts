import type { Definition } from '../../jobs/definition.ts';
import { FileRefused, TransferError } from '../../model.ts';
import type { PgpKeys } from '../../parsing/pgp-keys.ts';
import type { StagedFile } from '../../parsing/settings.ts';

/**
 * A staged file, with the keys to read it where it came encrypted. Throws `TransferError` PGP_KEY_GONE where the job had
 * keys when the file was taken, and has none now.
 */
export function stagedFile(
  { keys }: { keys: PgpKeys | undefined },
  definition: Pick<Definition, 'encrypted'>,
  path: string,
  name: string,
): StagedFile {
  if (!definition.encrypted) return { path, name };
  if (keys === undefined) throw keyGone(name, 'the job has no file.pgp any more');
  return { path, name, keys };
}

/**
 * A file whose rows are on their way cannot be refused any more. That it can suddenly not be decrypted is a trouble of the
 * job's keys, or of this disk, and not of the file.
 */
export function unreadableNow(error: unknown, name: string): unknown {
  if (!(error instanceof FileRefused) || !error.code.startsWith('PGP_')) return error;
  return keyGone(name, error.message, error);
}

function keyGone(name: string, why: string, cause?: unknown): TransferError {
  return new TransferError('PGP_KEY_GONE', `${name} was decrypted before and cannot be now: ${why}`, {
    cause,
    hint: 'put the private key it was encrypted to back into file.pgp.privateKey, beside the new one, until the file is done',
  });
}
