import type { RowReader } from '../model.ts';
import { type Opened, openDelimited } from './delimited.ts';
import { formatOf } from './format.ts';
import { openJson } from './json-rows.ts';
import type { FileSettings, StagedFile } from './settings.ts';
import { readBeginning, textAfter } from './text.ts';

const HEAD = 64 * 1024;

/**
 * Opens a staged file for reading its rows. `wanted` are the columns that the job uses. Reads the beginning and closes
 * the file again; `batches()` reads it from the start each time it is called. Throws `FileRefused` where the beginning
 * shows that the file cannot be read.
 */
export async function openRows(
  staged: StagedFile,
  settings: FileSettings,
  wanted: readonly string[],
  signal?: AbortSignal,
): Promise<RowReader> {
  const beginning = await readBeginning(staged, settings);
  const opened: Opened = { staged, settings, wanted, beginning, signal };
  const { format, delimiter } = formatOf(staged.name, await firstText(opened), settings);
  if (format === 'json' || format === 'jsonl') return openJson(opened, format);
  return openDelimited(opened, format, delimiter);
}

async function firstText({ staged, settings, beginning }: Opened): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const chunk of textAfter(staged, settings, beginning, 0)) {
    parts.push(chunk);
    length += chunk.length;
    if (length >= HEAD) break;
  }
  return Buffer.concat(parts).toString('utf8', 0, HEAD);
}
