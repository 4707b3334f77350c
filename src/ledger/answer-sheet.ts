import type { Ledger } from './open.ts';
import type { RowAnswer } from './upload-rows.ts';
import { rangeOf, type Upload } from './uploads.ts';

/**
 * The answers of one results file, collected before the first is written: only so can lines be found that contradict each
 * other, or that are missing. It lives in a temporary table, since a file may have millions of lines.
 */
export interface AnswerSheet {
  /** One transaction. `true` at [i]: answers[i] is the first line for its row. */
  add(answers: readonly { id: number; answer: RowAnswer }[]): boolean[];
  /** Rows with lines that contradict each other. */
  clashes(): number;
  /** Rows of the upload that are on their way and of which no line speaks. */
  missing(upload: Upload): number;
  batches(): Generator<{ id: number; answer: RowAnswer }[]>;
  /** Once the answers are written: rows of which the ledger says otherwise, since a person or an earlier answer had decided. */
  overruled(): number;
  clear(): void;
}

const BATCH = 2000;

interface SheetRow {
  id: number;
  kind: string;
  code: string;
  reason: string;
  clash: number;
}

let sheets = 0;

export function openAnswerSheet(ledger: Pick<Ledger, 'db'>): AnswerSheet {
  const { db } = ledger;
  // A daemon reads the answers of several jobs at the same time, over one connection: each has a sheet of its own.
  const sheet = ++sheets;
  db.exec(
    `CREATE TEMPORARY TABLE IF NOT EXISTS answer_sheet
       (sheet integer NOT NULL, id integer NOT NULL, kind text NOT NULL, code text NOT NULL, reason text NOT NULL, clash integer NOT NULL,
        PRIMARY KEY (sheet, id)) WITHOUT ROWID`,
  );
  const clear = (): void => {
    db.prepare('DELETE FROM answer_sheet WHERE sheet = ?').run(sheet);
  };
  const insert = db.prepare<[number, number, string, string, string], { clash: number; first: number }>(
    `INSERT INTO answer_sheet (sheet, id, kind, code, reason, clash) VALUES (?, ?, ?, ?, ?, 0)
     ON CONFLICT (sheet, id) DO UPDATE SET clash = CASE WHEN answer_sheet.kind <> excluded.kind THEN 2 ELSE max(answer_sheet.clash, 1) END
     RETURNING clash`,
  );
  return {
    add: (answers) =>
      db
        .transaction(() =>
          answers.map(({ id, answer }) => {
            const code = answer.kind === 'accepted' ? answer.proof : answer.code;
            const reason = answer.kind === 'accepted' ? answer.eventId : answer.reason;
            return insert.get(sheet, id, answer.kind, code, reason)?.clash === 0;
          }),
        )
        .deferred(),
    clashes: () =>
      db
        .prepare<[number], { n: number }>('SELECT count(*) AS n FROM answer_sheet WHERE sheet = ? AND clash = 2')
        .get(sheet)?.n ?? 0,
    missing: (upload) =>
      db
        .prepare<[number, number, number, number], { n: number }>(
          `SELECT count(*) AS n FROM deliveries d WHERE id BETWEEN ? AND ? AND upload_id = ? AND state = 'claimed'
             AND NOT EXISTS (SELECT 1 FROM answer_sheet a WHERE a.sheet = ? AND a.id = d.id)`,
        )
        .get(...rangeOf(upload.processingId), upload.id, sheet)?.n ?? 0,
    *batches() {
      let after = -1;
      const next = db.prepare<[number, number, number], SheetRow>(
        'SELECT * FROM answer_sheet WHERE sheet = ? AND id > ? ORDER BY id LIMIT ?',
      );
      for (;;) {
        const rows = next.all(sheet, after, BATCH);
        const last = rows.at(-1);
        if (!last) return;
        after = last.id;
        yield rows.map((row) => ({ id: row.id, answer: answerOf(row) }));
      }
    },
    overruled: () =>
      db
        .prepare<[number], { n: number }>(
          `SELECT count(*) AS n FROM answer_sheet a JOIN deliveries d ON d.id = a.id WHERE a.sheet = ? AND a.clash <> 2
             AND (a.kind = 'accepted' AND d.state <> 'delivered' OR a.kind = 'rejected' AND d.state NOT IN ('rejected','held'))`,
        )
        .get(sheet)?.n ?? 0,
    clear,
  };
}

function answerOf({ kind, code, reason, clash }: SheetRow): RowAnswer {
  if (clash === 2)
    return {
      kind: 'unclear',
      code: 'RESULTS_UNREADABLE',
      reason: "lines of Extole's results contradict each other about this row",
    };
  if (kind === 'accepted') return { kind, proof: 'row_result', eventId: reason };
  return { kind: kind === 'rejected' ? 'rejected' : 'unclear', code, reason };
}
