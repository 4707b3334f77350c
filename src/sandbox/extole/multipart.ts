/** One part of a multipart/form-data body. */
export interface Part {
  name: string;
  /** Absent where the part is no file. */
  filename?: string;
  /** Lower-cased; empty where the part has none. */
  type: string;
  body: Buffer;
}

const BOUNDARY = /^multipart\/form-data\s*;(?:.*;)?\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i;

/** The boundary of a request's content type; `undefined` where it is no form. */
export function boundaryOf(contentType: string | undefined): string | undefined {
  const [, quoted, bare] = BOUNDARY.exec(contentType ?? '') ?? [];
  return quoted ?? bare;
}

/** A body to its parts, or what is wrong with it. Strict: line ends are CR LF, and the last boundary must be there. */
export function partsOf(body: Buffer, boundary: string): Part[] | string {
  const mark = Buffer.from(`--${boundary}`);
  const parts: Part[] = [];
  let at = body.indexOf(mark);
  if (at !== 0) return 'the body does not start with the boundary';
  for (;;) {
    at += mark.length;
    const after = body.toString('latin1', at, at + 2);
    if (after === '--') return parts;
    if (after !== '\r\n') return 'a boundary is not followed by a line end';
    const end = body.indexOf(`\r\n--${boundary}`, at);
    if (end === -1) return 'the last boundary is missing: the body is cut';
    const part = partOf(body.subarray(at + 2, end));
    if (typeof part === 'string') return part;
    parts.push(part);
    at = end + 2;
  }
}

function partOf(bytes: Buffer): Part | string {
  const blank = bytes.indexOf('\r\n\r\n');
  if (blank === -1) return 'a part has no headers';
  const headers = new Map(
    bytes
      .toString('utf8', 0, blank)
      .split('\r\n')
      .map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
  const disposition = headers.get('content-disposition') ?? '';
  const name = /;\s*name="([^"]*)"/.exec(disposition)?.[1];
  if (!disposition.startsWith('form-data') || name === undefined) return 'a part has no name';
  const filename = /;\s*filename="([^"]*)"/.exec(disposition)?.[1];
  return {
    name,
    ...(filename === undefined ? {} : { filename }),
    type: (headers.get('content-type') ?? '').toLowerCase(),
    body: bytes.subarray(blank + 4),
  };
}
