import { inflateSync } from 'node:zlib';

/** Rows of modules of a QR code, dark ones true, without the quiet zone. */
export type Modules = boolean[][];

/** Data blocks of versions 1 to 6 with correction M: how many, and codewords of data in each (ISO/IEC 18004, table 9). */
const BLOCKS_M = [
  [1, 16],
  [1, 28],
  [1, 44],
  [2, 32],
  [2, 43],
  [4, 27],
] as const;
const MASKS: ((row: number, column: number) => boolean)[] = [
  (i, j) => (i + j) % 2 === 0,
  (i) => i % 2 === 0,
  (_, j) => j % 3 === 0,
  (i, j) => (i + j) % 3 === 0,
  (i, j) => (Math.floor(i / 2) + Math.floor(j / 3)) % 2 === 0,
  (i, j) => ((i * j) % 2) + ((i * j) % 3) === 0,
  (i, j) => (((i * j) % 2) + ((i * j) % 3)) % 2 === 0,
  (i, j) => (((i + j) % 2) + ((i * j) % 3)) % 2 === 0,
];
const ALPHANUMERIC = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:';

/** The text in a flawless code of version 1 to 6 with correction M, by the standard alone. */
export function readQr(modules: Modules): string {
  const size = modules.length;
  const version = (size - 17) / 4;
  const [blocks, perBlock] = BLOCKS_M[version - 1] ?? [0, 0];
  if (blocks === 0) throw new Error(`cannot read version ${version}`);
  const dark = (row: number, column: number): boolean => modules[row]?.[column] === true;
  const format = [0, 1, 2, 3, 4].reduce((bits, column) => bits * 2 + Number(dark(8, column)), 0) ^ 0b10101;
  if (format >> 3 !== 0) throw new Error('correction is not M');
  const mask = MASKS[format & 7] ?? (() => false);

  const bits: boolean[] = [];
  for (const [row, column] of zigzag(size))
    if (!isFunction(row, column, size)) bits.push(dark(row, column) !== mask(row, column));
  const codewords = Array.from({ length: Math.floor(bits.length / 8) }, (_, i) =>
    bits.slice(i * 8, i * 8 + 8).reduce((value, bit) => value * 2 + Number(bit), 0),
  );
  const data: number[] = [];
  for (let block = 0; block < blocks; block++)
    for (let i = 0; i < perBlock; i++) data.push(codewords[i * blocks + block] ?? 0);
  return segments(data);
}

/** Two columns at a time from the right, up and down in turns, without the timing column. */
function* zigzag(size: number): Generator<[number, number]> {
  let up = true;
  for (let right = size - 1; right > 0; right -= 2) {
    if (right === 6) right--;
    for (let step = 0; step < size; step++) {
      const row = up ? size - 1 - step : step;
      yield [row, right];
      yield [row, right - 1];
    }
    up = !up;
  }
}

/** Finders with separators and format, timing, and the one alignment pattern of versions 2 to 6. */
function isFunction(row: number, column: number, size: number): boolean {
  if (row === 6 || column === 6) return true;
  if (row < 9 && (column < 9 || column >= size - 8)) return true;
  if (row >= size - 8 && column < 9) return true;
  const middle = size - 7;
  return size > 21 && Math.abs(row - middle) <= 2 && Math.abs(column - middle) <= 2;
}

function segments(data: readonly number[]): string {
  const bits = data.map((codeword) => codeword.toString(2).padStart(8, '0')).join('');
  let at = 0;
  const take = (count: number): number => {
    const value = Number.parseInt(bits.slice(at, at + count), 2);
    at += count;
    return value;
  };
  const bytes: number[] = [];
  while (bits.length - at >= 4) {
    const mode = take(4);
    if (mode === 0) break;
    if (mode === 0b0100) for (let left = take(8); left > 0; left--) bytes.push(take(8));
    else if (mode === 0b0010) {
      let text = '';
      let left = take(9);
      for (; left > 1; left -= 2) {
        const pair = take(11);
        text += ALPHANUMERIC.charAt(Math.floor(pair / 45)) + ALPHANUMERIC.charAt(pair % 45);
      }
      if (left === 1) text += ALPHANUMERIC.charAt(take(6));
      bytes.push(...Buffer.from(text));
    } else if (mode === 0b0001) {
      for (let left = take(10); left > 0; left -= 3) {
        const digits = Math.min(left, 3);
        bytes.push(...Buffer.from(String(take(digits * 3 + 1)).padStart(digits, '0')));
      }
    } else throw new Error(`unknown mode ${mode}`);
  }
  return Buffer.from(bytes).toString('utf8');
}

/** Modules of an SVG whose dark ones are runs of one path: `M4 4.5h7m2 0h1`. */
export function modulesOfSvg(svg: string): Modules {
  const side = Number(/viewBox="0 0 (\d+) \1"/.exec(svg)?.[1]);
  const path = /stroke="#000000" d="([^"]*)"/.exec(svg)?.[1] ?? '';
  const grid: Modules = Array.from({ length: side }, () => Array.from({ length: side }, () => false));
  let [x, y] = [0, 0];
  for (const [, command, first = '0', second = '0'] of path.matchAll(/([Mmh])(-?[\d.]+)(?: (-?[\d.]+))?/g)) {
    if (command === 'M') [x, y] = [Number(first), Number(second)];
    else if (command === 'm') [x, y] = [x + Number(first), y + Number(second)];
    else {
      for (let i = 0; i < Number(first); i++) {
        const row = grid[Math.floor(y)];
        if (row) row[x + i] = true;
      }
      x += Number(first);
    }
  }
  return cropped(grid, 1);
}

/** Modules of a PNG of 8 bits a channel. */
export function modulesOfPng(png: Buffer): Modules {
  let [width, height, channels] = [0, 0, 1];
  const packed: Buffer[] = [];
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at)) {
    const body = png.subarray(at + 8, at + 8 + png.readUInt32BE(at));
    const type = png.toString('latin1', at + 4, at + 8);
    if (type === 'IHDR') {
      [width, height] = [body.readUInt32BE(0), body.readUInt32BE(4)];
      if (body[8] !== 8) throw new Error(`${body[8]} bits a channel`);
      channels = { 0: 1, 2: 3, 6: 4 }[body[9] ?? -1] ?? 0;
    } else if (type === 'IDAT') packed.push(body);
  }
  const lines = unfiltered(inflateSync(Buffer.concat(packed)), width * channels, height, channels);
  const grid = lines.map((line) => Array.from({ length: width }, (_, x) => (line[x * channels] ?? 255) < 128));
  const first = grid.find((row) => row.includes(true)) ?? [];
  const start = first.indexOf(true);
  // The finder in the corner is seven modules wide.
  const scale = (first.indexOf(false, start) - start) / 7;
  return cropped(grid, scale);
}

function unfiltered(raw: Buffer, width: number, height: number, step: number): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (width + 1)];
    const line = Uint8Array.from(raw.subarray(y * (width + 1) + 1, (y + 1) * (width + 1)));
    const above = lines[y - 1] ?? new Uint8Array(width);
    for (let x = 0; x < width; x++) {
      const [a, b, c] = [line[x - step] ?? 0, above[x] ?? 0, above[x - step] ?? 0];
      const guess = [0, a, b, (a + b) >> 1, paeth(a, b, c)][filter ?? 0] ?? 0;
      line[x] = ((line[x] ?? 0) + guess) & 255;
    }
    lines.push(line);
  }
  return lines;
}

function paeth(a: number, b: number, c: number): number {
  const [da, db, dc] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)];
  if (da <= db && da <= dc) return a;
  return db <= dc ? b : c;
}

function cropped(grid: Modules, scale: number): Modules {
  const rows = grid.flatMap((row, y) => (row.includes(true) ? [y] : []));
  const [top = 0, bottom = 0] = [rows[0], rows.at(-1)];
  const left = Math.min(...grid.map((row) => row.indexOf(true)).filter((x) => x >= 0));
  const size = Math.round((bottom - top + 1) / scale);
  return Array.from({ length: size }, (_, i) =>
    Array.from({ length: size }, (_, j) => {
      const [y, x] = [Math.floor(top + (i + 0.5) * scale), Math.floor(left + (j + 0.5) * scale)];
      return grid[y]?.[x] === true;
    }),
  );
}
