import { expect, test } from 'vitest';
import { parseStoredDefinition, storedDefinition } from '../../src/jobs/definition.ts';
import { type Job, jobSchema } from '../../src/jobs/schema.ts';
import { isEvents } from '../../src/mapping/compile.ts';

const SECRET = 'tok-4711';

function job(
  changes: { event?: object; extole?: object; delivery?: object; file?: object; source?: object } = {},
): Job {
  const parsed = jobSchema.parse({
    pipeline: 'deliver-events',
    source: { url: 'sftp://p@h/inbox', password: SECRET, match: '*.csv', ...changes.source },
    file: { trailer: { startsWith: 'T', count: 2 }, limits: { field: '128KB' }, ...changes.file },
    event: {
      name: 'opened',
      key: 'id',
      time: { from: 'at', format: 'MM/dd/yyyy', timezone: 'America/New_York' },
      data: { email: 'email', cart_value: { from: 'x', type: 'money', currency: 'USD' } },
      ...changes.event,
    },
    destination: { extole: { account: 'acme', token: SECRET, ...changes.extole } },
    delivery: changes.delivery,
  });
  return { ...parsed, id: 'a', path: 'jobs/a.yaml' };
}

test('what is stored comes back as the settings that it was', () => {
  const original = job();
  const { event, file, report, onConflict, destination } = parseStoredDefinition(storedDefinition(original).body);
  expect({ event, file, report, onConflict }).toEqual({
    event: original.event,
    file: original.file,
    report: original.report,
    onConflict: original.onConflict,
  });
  expect(destination).toEqual({
    provider: 'extole',
    account: 'acme',
    container: 'production',
    keyField: 'partner_conversion_id',
  });
});

test('no secret is stored, and no key: that a file comes encrypted is, and what its manifest must say', () => {
  const manifest = { name: '{stem}.ctl', kind: 'control', control: { count: 'rows' }, wait: '1h' };
  const encrypted = job({ file: { pgp: { privateKey: SECRET, passphrase: SECRET } }, source: { manifest } });
  const { body, sha256 } = storedDefinition(encrypted);
  expect(storedDefinition(job()).body + body).not.toContain(SECRET);
  const stored = parseStoredDefinition(body);
  expect(stored.encrypted).toBe(true);
  expect(stored.file.pgp).toBeUndefined();
  expect(stored.manifest).toMatchObject({ kind: 'control', onMissing: 'hold', control: { count: 'rows' } });
  // A new key makes no new definition.
  const rotated = job({ file: { pgp: { privateKey: ['other', SECRET] } }, source: { manifest } });
  expect(storedDefinition(rotated).sha256).toBe(sha256);
  expect(storedDefinition(job({ source: { manifest } })).sha256).not.toBe(sha256);
});

test('equal definitions have one hash, however they are written, and whatever the way to the destination', () => {
  const { sha256 } = storedDefinition(job());
  const { event } = job();
  if (!isEvents(event)) throw new Error('a job of events has other rows');
  const { name, key, time, data } = event;
  expect(storedDefinition(job({ event: { data, time, key, name } })).sha256).toBe(sha256);
  expect(
    storedDefinition(job({ extole: { token: 'other', lane: 'events', eventsUrl: 'https://e.example.com' } })).sha256,
  ).toBe(sha256);
  expect(storedDefinition(job({ delivery: { window: 8 }, source: { password: 'other' } })).sha256).toBe(sha256);
});

test('whatever decides about rows changes the hash', () => {
  const hashes = [
    job(),
    { ...job(), id: 'b' },
    { ...job(), onConflict: 'first-wins' as const },
    job({ event: { name: 'funded' } }),
    job({ event: { data: { cart_value: { from: 'x', type: 'money', currency: 'USD' }, email: 'email' } } }),
    job({ event: { maxAge: '10d' } }),
    job({ file: { charset: 'windows-1252' } }),
    job({ extole: { container: 'test' } }),
  ].map((each) => storedDefinition(each).sha256);
  expect(new Set(hashes).size).toBe(hashes.length);
});

test('a damaged definition is an error', () => {
  expect(() => parseStoredDefinition('{}')).toThrow();
});
