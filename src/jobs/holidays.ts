import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

export interface HolidayFile {
  path: string;
  /** `2026-12-25`, as they stand in the file. */
  days: string[];
  problems: { line: number; message: string; hint: string }[];
}

const HINT = 'write one date a line as 2026-12-25; # begins a comment';

/** Reads a file of days on which no file is expected. Never throws: lines that are no date are told, and left out. */
export async function readHolidays(name: string, jobFile: string): Promise<HolidayFile> {
  const path = resolve(dirname(jobFile), name);
  const holidays: HolidayFile = { path, days: [], problems: [] };
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const why =
      error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'does not exist' : 'cannot be read';
    holidays.problems.push({
      line: 1,
      message: `the file of holidays ${why}; until it can be read, files are expected on holidays too`,
      hint: 'a relative path starts at the folder of the job file',
    });
    return holidays;
  }
  for (const [i, line] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    const written = line.replace(/#.*/, '').trim();
    if (written === '') continue;
    if (isDate(written)) holidays.days.push(written);
    else
      holidays.problems.push({
        line: i + 1,
        message: `found ${JSON.stringify(written.slice(0, 40))}, which is no date`,
        hint: HINT,
      });
  }
  return holidays;
}

/** A day that the calendar has. */
export function isDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const ms = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text);
}
