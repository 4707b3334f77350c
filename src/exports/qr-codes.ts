import QRCode from 'qrcode';
import { LINK_INVALID, secureLink } from './link.ts';
import type { QrSettings } from './qr-settings.ts';
import type { ExportRow, LeftOut } from './row.ts';
import { compileTemplate } from './template.ts';

export interface QrImage {
  name: string;
  bytes: Buffer;
}

/** Draws the code of a link and gives it a name that every file system takes. */
export function qrDrawer(settings: QrSettings): (row: ExportRow) => Promise<QrImage | LeftOut> {
  const nameOf = compileTemplate(settings.name);
  const { image, width, margin, correction: errorCorrectionLevel } = settings;
  const draw =
    image === 'png'
      ? (link: string): Promise<Buffer> => QRCode.toBuffer(link, { type: 'png', errorCorrectionLevel, margin, width })
      : async (link: string): Promise<Buffer> =>
          Buffer.from(await QRCode.toString(link, { type: 'svg', errorCorrectionLevel, margin }));
  return async (row) => {
    const link = secureLink(row.link);
    if (link === undefined) return LINK_INVALID;
    const name = fileSafe(nameOf(row, link));
    if (name === '') return NAME_MISSING;
    if (name.length > LONGEST_NAME) return NAME_TOO_LONG;
    if (Buffer.byteLength(link) > LONGEST_LINK[errorCorrectionLevel]) return LINK_TOO_LONG;
    return { name: `${name}.${image}`, bytes: await draw(link) };
  };
}

/** Bytes that the largest code holds (ISO/IEC 18004, version 40). */
const LONGEST_LINK = { L: 2953, M: 2331, Q: 1663, H: 1273 } as const;
const LONGEST_NAME = 200;

/** Letters, digits and a few signs stay; all else is percent-encoded, so that two names stay two. */
export function fileSafe(text: string): string {
  const encoded = encodeURIComponent(text.toWellFormed()).replace(/[!'()*~]|^\./g, percent);
  return encoded.replaceAll('%40', '@').replaceAll('%2B', '+');
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

const LINK_TOO_LONG: LeftOut = {
  code: 'LINK_TOO_LONG',
  reason: 'the share link is longer than a QR code can hold; a lower correction holds more',
};
const NAME_MISSING: LeftOut = {
  code: 'QR_NAME_MISSING',
  reason: 'the image would have no name: what the setting name names is empty in this row',
};
const NAME_TOO_LONG: LeftOut = {
  code: 'QR_NAME_TOO_LONG',
  reason: `the name of the image would have more than ${LONGEST_NAME} characters`,
};
export const QR_NAME_TAKEN: LeftOut = {
  code: 'QR_NAME_TAKEN',
  reason: 'an image of another link has this name already; names must differ in more than capital letters',
};
