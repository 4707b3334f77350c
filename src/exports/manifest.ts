import type { ExportKind } from './row.ts';
import type { WrittenExport } from './write.ts';

/** What a reader of the files needs to know that they are whole. Holds no personal data. */
export interface ExportManifest {
  manifest: 'referry-export/1';
  /** Of the files, such as `hubspot-csv`. */
  format: string;
  kind: ExportKind;
  /** ISO 8601, UTC. */
  made_at: string;
  /** Of the export whose changes these are. */
  since?: string;
  columns: readonly string[];
  /** Rows of all files, without headers. */
  rows: number;
  bytes: number;
  /** Rows that are in no file, by code. */
  left_out: Readonly<Record<string, number>>;
  files: { name: string; rows: number; bytes: number; sha256: string }[];
}

export interface ManifestFacts {
  format: string;
  kind: ExportKind;
  /** Milliseconds since 1970. */
  at: number;
  since?: number;
  written: WrittenExport;
}

/** `names`: how the files are called in the end, where a name was taken; names[i] belongs to written.files[i]. */
export function manifestOf(facts: ManifestFacts, names: readonly string[] = []): ExportManifest {
  const { format, kind, at, since, written } = facts;
  const iso = (ms: number): string => new Date(ms).toISOString();
  return {
    manifest: 'referry-export/1',
    format,
    kind,
    made_at: iso(at),
    ...(since !== undefined && { since: iso(since) }),
    columns: written.columns,
    rows: written.rows,
    bytes: written.bytes,
    left_out: Object.fromEntries(Object.entries(written.leftOut).sort(([a], [b]) => (a < b ? -1 : 1))),
    files: written.files.map(({ name, rows, size, sha256 }, i) => ({
      name: names[i] ?? name,
      rows,
      bytes: size,
      sha256,
    })),
  };
}

export function manifestText(manifest: ExportManifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/** Beside the first file of the export, and no name that an import of `*.csv` would take. */
export function manifestName(firstFile: string): string {
  return `${firstFile}.manifest.json`;
}
