import { rmSync } from 'node:fs';
import Database from 'better-sqlite3';

/** Texts by name, in a file of their own: more of them than memory should hold. */
export interface TextShelf {
  /** A later text stands in for an earlier one of the same name. */
  put(texts: readonly (readonly [name: string, text: string])[]): void;
  get(name: string): string | undefined;
  /** Removes the file as well. Harmless when repeated. */
  close(): void;
}

/** Replaces what an earlier one that was cut short left under that path. Nothing of it outlives the process on purpose. */
export function openTextShelf(path: string): TextShelf {
  const remove = (): void => rmSync(path, { force: true });
  remove();
  const db = new Database(path);
  db.pragma('journal_mode = OFF');
  db.pragma('synchronous = OFF');
  db.exec('CREATE TABLE texts (name TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID');
  const put = db.prepare('INSERT OR REPLACE INTO texts (name, text) VALUES (?, ?)');
  const get = db.prepare<[string], { text: string }>('SELECT text FROM texts WHERE name = ?');
  const putAll = db.transaction((texts: readonly (readonly [string, string])[]) => {
    for (const [name, text] of texts) put.run(name, text);
  });
  return {
    put: (texts) => putAll(texts),
    get: (name) => get.get(name)?.text,
    close() {
      if (db.open) db.close();
      remove();
    },
  };
}
