import { padded, type Random } from './random.ts';

export interface Person {
  first: string;
  last: string;
  email: string;
  /** Ten digits, North American. */
  phone: string;
  /** Nine digits, often with leading zeros. */
  member: string;
}

const FIRST = [
  ...[
    'Maria',
    'James',
    'Aisha',
    'Chen',
    'Zoë',
    'José',
    'Priya',
    'Łukasz',
    'Fatima',
    'Noah',
    'Søren',
    'Ngozi',
    'Hiroshi',
  ],
  ...['Eleanor', 'Dmitri', 'Inès', 'Kwame', 'Leilani', 'Björn', 'Siobhán', 'Thanh', 'Olga', 'Mateo', 'Anne-Marie'],
  ...['Ömer', 'Yara', 'Tomás', 'Grace', 'Samuel', 'Ruth', 'Amélie', 'Dinesh', 'Carlos', 'Hana', 'Wei', 'Paul'],
] as const;
const LAST = [
  ...["O'Neil", 'Nguyen', 'García', 'Smith', 'Kowalczyk', 'Okafor', 'Tanaka', 'Müller', 'Haddad', 'Rossi', 'Patel'],
  ...['van der Berg', 'Johansson', 'Fernández', 'Kim', 'Dubois', 'Öztürk', 'Silva', 'Ivanova', 'Brown', 'Mbeki'],
  ...['Hernández-Ruiz', 'Lee', 'Andersen', 'Novák', 'Chowdhury', "D'Angelo", 'Wright', 'Yamamoto', 'Peña', 'Clarke'],
] as const;
const DOMAINS = ['example.com', 'example.org', 'mail.example.com'] as const;
const AREAS = ['212', '415', '312', '617', '305', '206', '503', '713'] as const;

/** The `index` makes the address and the member number unique. */
export function person(random: Random, index: number): Person {
  const first = random.pick(FIRST);
  const last = random.pick(LAST);
  return {
    first,
    last,
    email: `${ascii(first)}.${ascii(last)}${index}@${random.pick(DOMAINS)}`,
    phone: `${random.pick(AREAS)}555${padded(random.whole(100, 199), 4)}`,
    member: padded(random.whole(1, 9_999) * 10_000 + index, 9),
  };
}

function ascii(name: string): string {
  return name
    .normalize('NFD')
    .replace(/ł/gi, 'l')
    .replace(/ø/gi, 'o')
    .replace(/[^a-z]/gi, '')
    .toLowerCase();
}
