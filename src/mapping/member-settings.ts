import * as z from 'zod';

/** Longest id of a member. */
export const MEMBER_LIMIT = 500;

export const MEMBER_ID_KINDS = ['email', 'userId', 'alias'] as const;

const words = z.array(z.string()).readonly();

/** How a row of a membership file is read. It is made of a job's settings, and stored with each file. */
export const memberRows = z.strictObject({
  members: z.literal(true),
  kind: z.enum(['snapshot', 'changes']),
  /** The segment of every row, or where it stands. */
  name: z.string().optional(),
  nameFrom: z.enum(['column', 'file']).optional(),
  nameColumn: z.string().optional(),
  allowedNames: z.array(z.string()).optional(),
  names: z.record(z.string(), z.string()).optional(),
  idKind: z.enum(MEMBER_ID_KINDS),
  /** Of changes: where it stands whether a member comes or goes, and how it is written. `column` absent: in the file's name. */
  action: z
    .strictObject({
      column: z.string().optional(),
      /** Folders of the inbox, of which the name of a file has its own. */
      folders: z.strictObject({ add: z.string(), remove: z.string() }).optional(),
      add: words,
      remove: words,
      /** Removed since all of the segment is: only in what Referry writes itself. */
      drain: words.optional(),
    })
    .optional(),
  key: z.strictObject({
    from: z.string(),
    unwrapExcel: z.boolean(),
    scientific: z.enum(['reject', 'accept']),
    rounded: z.enum(['hold', 'accept']),
    width: z.enum(['hold', 'accept']),
  }),
});

export type MemberRows = z.output<typeof memberRows>;

/** The field of a member's row that says what is to become of it. */
export const ACTION = 'action';
