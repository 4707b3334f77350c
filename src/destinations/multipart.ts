import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';

/** A form of one JSON part and one file, streamed: a file of any size takes no memory. */
export interface Form {
  contentType: string;
  length: number;
  body: Readable;
}

interface FilePart {
  part: string;
  name: string;
  contentType: string;
}

/** What stands before and after the file. */
export function formEnds(
  metadata: { part: string; value: unknown },
  file: FilePart,
  boundary: string,
): { head: string; tail: string } {
  const head =
    `--${boundary}\r\nContent-Disposition: form-data; name="${metadata.part}"\r\nContent-Type: application/json\r\n\r\n` +
    `${JSON.stringify(metadata.value)}\r\n` +
    `--${boundary}\r\nContent-Disposition: form-data; name="${file.part}"; filename="${file.name}"\r\n` +
    `Content-Type: ${file.contentType}\r\n\r\n`;
  return { head, tail: `\r\n--${boundary}--\r\n` };
}

/** `boundary` must not occur in the file; names hold no quotes and no line breaks. */
export function multipartForm(
  metadata: { part: string; value: unknown },
  file: FilePart & { path: string; bytes: number },
  boundary: string,
): Form {
  const { head, tail } = formEnds(metadata, file, boundary);
  async function* parts(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(head);
    yield* createReadStream(file.path);
    yield Buffer.from(tail);
  }
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    length: Buffer.byteLength(head) + file.bytes + Buffer.byteLength(tail),
    body: Readable.from(parts(), { objectMode: false }),
  };
}
