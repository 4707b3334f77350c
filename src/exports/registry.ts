import type { z } from 'zod';
import { brazeCsv } from './braze-csv.ts';
import type { CompiledExport, ExportFormat } from './format.ts';
import { hubspotCsv } from './hubspot-csv.ts';
import { iterableCsv } from './iterable-csv.ts';
import { klaviyoCsv } from './klaviyo-csv.ts';
import { plainCsv } from './plain-csv.ts';
import { sfmcCsv } from './sfmc-csv.ts';

/** The kinds of files for import, by name. */
export const EXPORT_FORMATS = {
  'hubspot-csv': hubspotCsv,
  'sfmc-csv': sfmcCsv,
  'klaviyo-csv': klaviyoCsv,
  'iterable-csv': iterableCsv,
  'braze-csv': brazeCsv,
  'plain-csv': plainCsv,
};

/** A format under settings as they are written in a job. Throws zod's error, with the path of each problem. */
export function compileExport<Settings extends z.ZodType>(
  format: ExportFormat<Settings>,
  settings: unknown,
): CompiledExport {
  return format.compile(format.settings.parse(settings));
}
