import { z } from 'zod';

const keys = (what: string) =>
  z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .transform((written) => (typeof written === 'string' ? [written] : written))
    .describe(what);

/** The `file.pgp:` block of a job: the files come encrypted. Its values are key texts; it is never stored. */
export const pgpSettings = z
  .strictObject({
    privateKey: keys(
      'The private key (armored text) that the files are encrypted to, by reference to a file. A list while a key is rotated.',
    ),
    passphrase: z.string().min(1).optional().describe('The passphrase of the private key, by reference.'),
    signer: keys("The sender's public key, or a list: the signature of each file is verified with it.").optional(),
    requireSignature: z
      .boolean()
      .optional()
      .describe('Refuse files without a signature. Default true where signer is set, else false.'),
    allowPlaintextUploads: z
      .boolean()
      .default(false)
      .describe(
        'Allow a lane that uploads a file (sftp, batch, folder), for which the rows lie decrypted on the disk of this machine until it is uploaded. Default false.',
      ),
  })
  .superRefine((pgp, context) => {
    if (pgp.requireSignature !== true || pgp.signer !== undefined) return;
    const message = 'a signature can only be required where signer, the public key of the sender, is given';
    context.addIssue({ code: 'custom', path: ['requireSignature'], message });
  })
  .optional()
  .describe(
    'The files are encrypted with PGP, armored or binary; one that is not is refused. They stay encrypted on the disk of this machine, and the results files carry no input columns unless report.encryptTo is set.',
  );

export type PgpSettings = NonNullable<z.output<typeof pgpSettings>>;
