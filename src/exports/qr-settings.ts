import { z } from 'zod';
import { template } from './format.ts';

/** QR codes of the links, one an image. */
export const qrSettings = z
  .strictObject({
    image: z.enum(['png', 'svg']).default('png').describe('png for screens and mail, svg for print.'),
    into: z
      .enum(['zip', 'folder'])
      .default('zip')
      .describe('zip: a few large files. folder: an image a file, which takes long over SFTP.'),
    name: template
      .prefault('{code}')
      .describe(
        'The name of an image without its ending; it should be different for each link, such as "{code}" or "{partner_user_id}". File names are seen by many: leave e-mail addresses out of them.',
      ),
    width: z
      .int()
      .min(64)
      .max(4096)
      .default(400)
      .describe('Pixels of a side, of png. It is at least as many as the code has modules.'),
    margin: z.int().min(0).max(40).default(4).describe('The quiet zone around it, in modules; readers need 4.'),
    correction: z
      .enum(['L', 'M', 'Q', 'H'])
      .default('M')
      .describe('How much of the code may be unreadable: L 7 %, M 15 %, Q 25 %, H 30 %.'),
    perZip: z
      .int()
      .min(1)
      .max(50_000)
      .default(10_000)
      .describe('Images of one zip; more go into further ones. One zip is in memory while it is written.'),
  })
  .describe('A QR code for each link.');

export type QrSettings = z.output<typeof qrSettings>;
