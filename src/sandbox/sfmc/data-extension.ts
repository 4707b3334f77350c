export type Values = Readonly<Record<string, unknown>>;

export interface ExtensionOptions {
  /** External key. */
  key?: string;
  primaryKey?: string;
  /** Columns with the most characters that they take; the primary key is one of them. */
  columns?: Readonly<Record<string, number>>;
  /** Refuses a row when it is worked off; asked each time. */
  refuses?: (row: Values) => { errorCode: string; message: string } | undefined;
}

export interface RowResult {
  status: 'OK' | 'Error';
  errorCode?: string;
  message: string;
}

export interface DataExtension {
  path: string;
  rows: ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** Columns that are not given keep what they have. */
  upsert(row: Values): RowResult;
}

const COLUMNS = { EmailAddress: 254, SubscriberKey: 254, extole_share_link: 500, share_code: 50 };

/** A table with a primary key, strict as its columns are. Primary keys do not look at upper and lower case. */
export function createDataExtension(options: ExtensionOptions): DataExtension {
  const { key = 'Extole_Share_Links', primaryKey = 'EmailAddress', columns = COLUMNS } = options;
  const limits = new Map(Object.entries(columns));
  const rows = new Map<string, Readonly<Record<string, string>>>();

  function textsOf(row: Values): Record<string, string> | RowResult {
    const texts: Record<string, string> = {};
    for (const [name, value] of Object.entries(row)) {
      const most = limits.get(name);
      if (most === undefined) return wrong(`Invalid column name '${name}'.`);
      if (typeof value !== 'string') return wrong(`The value of ${name} is not of the type of its column.`);
      if (value.length > most) return wrong(`String or binary data would be truncated in column ${name}: '${value}'.`);
      texts[name] = value;
    }
    return texts;
  }

  return {
    path: `/data/v1/async/dataextensions/key:${encodeURIComponent(key)}/rows`,
    rows,
    upsert(row) {
      const texts = textsOf(row);
      if (isResult(texts)) return texts;
      const refusal = options.refuses?.(row);
      if (refusal) return { status: 'Error', ...refusal };
      const id = texts[primaryKey]?.toLowerCase();
      if (id === undefined || id === '') return wrong(`Cannot insert the value NULL into column '${primaryKey}'.`);
      rows.set(id, { ...rows.get(id), ...texts });
      return { status: 'OK', message: 'Updated' };
    },
  };
}

function wrong(message: string): RowResult {
  return { status: 'Error', errorCode: 'UnexpectedError', message };
}

function isResult(value: Record<string, string> | RowResult): value is RowResult {
  return value.status === 'Error' && 'errorCode' in value && 'message' in value;
}
