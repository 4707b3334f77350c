import { boundaryOf, partsOf } from '../extole/multipart.ts';
import { parsed } from '../json.ts';
import type { StandInReply, StandInRequest } from '../stand-in.ts';
import { notFound, ok, refusal, wrong } from './errors.ts';
import { type Fields, fieldsOf, isProblem } from './fields.ts';
import type { Contacts } from './store.ts';

interface ImportError {
  id: string;
  errorType: string;
  errorMessage: string;
  sourceData: { lineNumber: number; rowData: string[] };
}

export interface StoredImport {
  id: string;
  name: string;
  state: string;
  looks: number;
  counters: Record<string, number>;
  errors: ImportError[];
  request: Fields;
  csv: string;
}

export interface Imports {
  all: readonly StoredImport[];
  /** How the next ones end. */
  behaviour: { end: string; errorPage: number };
  start(request: StandInRequest): StandInReply;
  list(query: URLSearchParams): StandInReply;
  look(id: string): StandInReply;
  errors(id: string, query: URLSearchParams): StandInReply;
}

const REQUEST = [
  'name',
  'importOperations',
  'dateFormat',
  'marketableContactImport',
  'createContactListFromImport',
  'files',
];
const OPERATIONS = ['CREATE', 'UPDATE', 'UPSERT'];
const DATE_FORMATS = ['MONTH_DAY_YEAR', 'DAY_MONTH_YEAR', 'YEAR_MONTH_DAY'];

export function createImports(contacts: Contacts, looksUntilDone: number): Imports {
  const all: StoredImport[] = [];
  const behaviour = { end: 'DONE', errorPage: 100 };

  function start({ headers, body }: StandInRequest): StandInReply {
    const boundary = boundaryOf(headers['content-type']);
    const parts = boundary === undefined ? 'the body is not multipart/form-data' : partsOf(Buffer.from(body), boundary);
    if (typeof parts === 'string') return refusal(wrong(parts));
    const request = parts.find(({ name }) => name === 'importRequest');
    const files = parts.filter(({ name }) => name === 'files');
    const [file] = files;
    if (!request || !file || parts.length !== 2) return refusal(wrong('expected the parts importRequest and files'));
    const asked = fieldsOf(parsed(request.body.toString('utf8')), REQUEST, 'importRequest');
    if (isProblem(asked)) return refusal(asked);
    const columns = columnsOf(asked, file.filename ?? '', contacts);
    if (typeof columns === 'string') return refusal(wrong(columns));
    const made: StoredImport = {
      id: String(9001 + all.length),
      name: String(asked.name),
      state: 'STARTED',
      looks: 0,
      counters: {},
      errors: [],
      request: asked,
      csv: file.body.toString('utf8'),
    };
    work(made, columns, contacts);
    all.push(made);
    return { ...ok(shown(made)), id: made.id };
  }

  return {
    all,
    behaviour,
    start,
    list(query) {
      const results = [...all].reverse().slice(0, Number(query.get('limit') ?? '100'));
      return ok({ results: results.map(shown) });
    },
    look(id) {
      const found = all.find((one) => one.id === id);
      if (!found) return refusal(notFound([id]));
      found.looks += 1;
      found.state = found.looks >= looksUntilDone ? behaviour.end : 'PROCESSING';
      return ok(shown(found));
    },
    errors(id, query) {
      const found = all.find((one) => one.id === id);
      if (!found) return refusal(notFound([id]));
      const start = Number(query.get('after') ?? '0');
      const next = start + behaviour.errorPage;
      const paging = next < found.errors.length ? { paging: { next: { after: String(next) } } } : {};
      return ok({ results: found.errors.slice(start, next), ...paging });
    },
  };
}

interface Column {
  name: string;
  property: string;
  identifies: boolean;
}

/** What is wrong, or the columns of the file in order. */
function columnsOf(asked: Fields, filename: string, contacts: Contacts): Column[] | string {
  const operations = fieldsOf(asked.importOperations, ['0-1'], 'importOperations');
  if (isProblem(operations)) return operations.message;
  if (!OPERATIONS.includes(String(operations['0-1']))) return 'importOperations is invalid';
  if (typeof asked.name !== 'string' || asked.name === '') return 'name is required';
  if (!DATE_FORMATS.includes(String(asked.dateFormat))) return 'dateFormat is invalid';
  const [first]: unknown[] = Array.isArray(asked.files) ? asked.files : [];
  const file = fieldsOf(first, ['fileName', 'fileFormat', 'fileImportPage'], 'files');
  if (isProblem(file)) return file.message;
  if (file.fileName !== filename || file.fileFormat !== 'CSV') return 'fileName or fileFormat does not match the file';
  const page = fieldsOf(file.fileImportPage, ['hasHeader', 'columnMappings'], 'fileImportPage');
  if (isProblem(page)) return page.message;
  if (page.hasHeader !== true || !Array.isArray(page.columnMappings)) return 'expected hasHeader and columnMappings';
  const columns: Column[] = [];
  for (const one of page.columnMappings) {
    const mapping = fieldsOf(one, ['columnObjectTypeId', 'columnName', 'propertyName', 'columnType'], 'a mapping');
    if (isProblem(mapping)) return mapping.message;
    const { columnName, propertyName, columnType = 'STANDARD', columnObjectTypeId } = mapping;
    if (columnObjectTypeId !== '0-1') return 'columnObjectTypeId is not that of contacts';
    if (!contacts.definitions.has(String(propertyName))) return `property ${String(propertyName)} does not exist`;
    if (!['STANDARD', 'HUBSPOT_ALTERNATE_ID', 'HUBSPOT_OBJECT_ID'].includes(String(columnType)))
      return 'columnType is invalid';
    columns.push({ name: String(columnName), property: String(propertyName), identifies: columnType !== 'STANDARD' });
  }
  return columns.some(({ identifies }) => identifies) ? columns : 'no column identifies the contacts';
}

/** Line by line: a bad line is an error, and the others go on. Blank cells change nothing. */
function work(made: StoredImport, columns: readonly Column[], contacts: Contacts): void {
  const [header, ...lines] = made.csv
    .replace(/\r?\n$/, '')
    .split(/\r?\n/)
    .map(cellsOf);
  const wrongHeader = !header || columns.some(({ name }, i) => header[i] !== name) || header.length !== columns.length;
  const counters = { TOTAL_ROWS: lines.length, CREATED_OBJECTS: 0, UPDATED_OBJECTS: 0, ERRORS: 0 };
  for (const [i, cells] of lines.entries()) {
    const fail = (errorType: string, errorMessage: string): void => {
      counters.ERRORS += 1;
      made.errors.push({ id: String(i), errorType, errorMessage, sourceData: { lineNumber: i + 2, rowData: cells } });
    };
    if (wrongHeader || cells.length !== columns.length) {
      fail('INCORRECT_NUMBER_OF_COLUMNS', 'the line has not the columns of the mapping');
      continue;
    }
    const properties = Object.fromEntries(
      columns.map(({ property }, c) => [property, cells[c] ?? '']).filter(([, cell]) => cell !== ''),
    );
    const by = columns.find(({ identifies }) => identifies)?.property ?? 'email';
    const known = contacts.byValue(by, properties[by] ?? '');
    const problem = known ? contacts.update(known, properties) : contacts.create(properties);
    if (problem && isProblem(problem))
      fail(problem.errors?.[0]?.code ?? 'UNKNOWN_ERROR', problem.errors?.[0]?.message ?? problem.message);
    else counters[known ? 'UPDATED_OBJECTS' : 'CREATED_OBJECTS'] += 1;
  }
  made.counters = counters;
}

/** Cells without line breaks; quotes are doubled inside quotes. */
function cellsOf(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    ([, quoted, bare = '']) => quoted?.replaceAll('""', '"') ?? bare,
  );
}

function shown({ id, name, state, counters }: StoredImport): object {
  const done = state === 'DONE';
  return { id, state, importName: name, metadata: { counters: done ? counters : {}, fileIds: [], objectLists: [] } };
}
