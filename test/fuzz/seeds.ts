import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const here = new URL('.', import.meta.url);
const sample = (name: string): Buffer => readFileSync(new URL(`samples/${name}`, here));
const seed = (first: readonly number[], ...rest: readonly (string | Buffer)[]): Buffer =>
  Buffer.concat([Buffer.from(first), ...rest.map((each) => Buffer.from(each))]);

const CSV = 'id,email,amount\r\n1,"a ""b"", c",2.50\r\n"2\n",b,3\n';
const TEXTS = [
  CSV,
  'id,amount\n1,="2"\nTRL,1,2\n',
  '\ufeffid;amount;\n1;2;\n',
  'sep=;\nid;b\n',
  'id, "amount"\n1, "a \\"b\\""\n',
];
const ANSWERS =
  'status,message,code,event_name,event_time,email,partner_user_id,partner_conversion_id,container\n' +
  'success,,,account_opened,2026-01-01T00:00:00Z,a@b.co,u,k1,production\nfailure,"bad, value",invalid_x,account_opened,,,,k2,production\n';
const VALUES = [
  '007',
  '2026-11-20T14:03:00Z',
  'Anna@Example.com',
  'M-1',
  '1,234.50',
  '0171 2345678',
  '-007',
  '2001-02-28',
  'é\u0007',
];
const TIMES = ['2026-11-20T14:03:00Z', '11/20/2026 02:03 PM', '1780000000', '46346.5'];
const AMOUNTS = ['1234.50', '1,234.50', '1.234,50', '1 234,50', "1'234.50"];
const jobs = new URL('../../jobs/', here);

/** Good inputs for each target, from which bad ones are made. The first bytes choose the case, as the target says. */
export const SEEDS: Readonly<Record<string, readonly Buffer[]>> = {
  records: [seed([0, 3, 9], CSV), seed([1, 1, 1], 'a|b\r"x\r\ny"|""\r\rz|"é"')],
  rows: [
    ...TEXTS.flatMap((text, i) =>
      Array.from({ length: 9 }, (_, s) => seed([s, 0, i % 2], s === 7 ? Buffer.from(text, 'utf16le') : text)),
    ),
    seed([0, 3, 1], '[{"id":"1","amount":2.50},\r\n{"ID":7465313346145957284,"x":{"y":[1,null]}}]'),
    seed([0, 4, 1], '{"id":"1","amount":2.50}\n\n{"id":null}\r{"a":\n'),
    seed([0, 0, 1], Buffer.from('\ufeffid,b\r\n1,é😀\r\n', 'utf16le')),
    seed([0, 6, 0], gzipSync(CSV)),
    seed([0, 7, 0], sample('deflated.zip')),
  ],
  json: [
    seed([0, 3, 9], '{"a":{"b":1.50,"c":[1,{"d":null}]},"e":"\\u00e9\\ud83d\\ude00","f":true}'),
    seed([1, 3, 9], '{"a":1}\r\n\n{"b":"x"}\r{"c":[]}\n'),
    seed([2, 3, 9], ' [ {"a":"]"} ,\r\n{"b":[1,2]},3 , "x"]\n'),
  ],
  packed: [
    seed([0, 3, 9], gzipSync(CSV)),
    seed([0, 3, 9], gzipSync(CSV), gzipSync('3,c,4\n')),
    seed([0, 3, 9], gzipSync(CSV), Buffer.alloc(20)),
    seed([1, 3, 9], sample('deflated.zip')),
    seed([1, 3, 9], sample('stored.zip')),
  ],
  pgp: ['signed.pgp', 'compressed.pgp', 'unsigned.pgp', 'armored.asc'].map((name) => seed([99, 7], sample(name))),
  classify: [
    seed([0, 3, 1, 0], '{"event_id":"7465313346145957284","person_id":"12"}'),
    seed(
      [3, 200, 100, 0, 1, 0, 5],
      '120  {"code":"validation_error","message":"bad anna@example.com","unique_id":"u1"}',
    ),
  ],
  manifest: [
    seed([0, 0], 'd41d8cd98f00b204e9800998ecf8427e *a.csv\nMD5 (b.csv) = d41d8cd98f00b204e9800998ecf8427e\n'),
    seed([2, 0], 'rows=1\ntotal: 2.50\n'),
    seed([2, 1], 'rows,x\n"1",2\n'),
    seed([2, 2], '2,50;1\n2.500,1\n'),
  ],
  results: [
    seed([0, 0], ANSWERS),
    seed([0, 1], ANSWERS.replaceAll(',', '|')),
    seed(
      [1, 0],
      'line,outcome,code,reason,event_id,attempts,at,id,email\n2,delivered,,,77,1,2026-01-01T00:00:00Z,1,a@example.com\n3,rejected,X,"a ""b"", c",,0,,1,a@example.com\n',
    ),
    seed(
      [2, 0],
      '{"line":2,"outcome":"delivered","code":"","reason":"","event_id":"7","attempts":1,"at":"","row":{"id":"1"}}\n',
    ),
  ],
  values: Array.from({ length: 20 }, (_, i) =>
    seed(
      [i],
      VALUES.with(1, TIMES[Math.floor(i / 5)] ?? '')
        .with(4, AMOUNTS[i % 5] ?? '')
        .join('\u001f'),
    ),
  ),
  names: [
    seed([0, 3], 'inbox/../a\u001b[2J/b.csv'),
    seed([1, 12], 'a[!b-d]*{x,y}.csvabcx.csv'),
    seed([2, 3], 'sftp://user%40x@[::1]:2222/~/in%20box'),
    seed(
      [3, 3],
      '@revoked *.example.com,!x ssh-ed25519 AAAA\n|1|c2FsdA==|aGFzaA== ssh-rsa AAAA\n[sftp.example.com]:2222 x AAAA\n',
    ),
  ],
  'job-file': readdirSync(jobs)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => readFileSync(new URL(name, jobs))),
};

/** What fuzzing found once: inputs that broke the program, by target and by what was wrong. */
export function found(target: string): { name: string; bytes: Buffer }[] {
  const folder = new URL(`found/${target}/`, here);
  try {
    return readdirSync(folder).map((name) => ({ name, bytes: readFileSync(new URL(name, folder)) }));
  } catch {
    return [];
  }
}
