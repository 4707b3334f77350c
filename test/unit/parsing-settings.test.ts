import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { fileSettings } from '../../src/parsing/settings.ts';

describe('the file block of a job', () => {
  it('has a default for everything', () => {
    const settings = fileSettings.parse({});
    expect(settings).toMatchObject({
      format: 'auto',
      dialect: 'rfc4180',
      charset: 'auto',
      header: { mode: 'subset', onDrift: 'fail' },
      limits: { field: 262_144, record: 1_048_576, columns: 512, ratio: 200, decompressed: 4 * 1024 ** 3 },
      empty: 'process',
      maxRejected: 0.5,
    });
    expect(settings.trailer).toBeUndefined();
    expect(fileSettings.parse(undefined)).toEqual(settings);
  });

  it('takes sizes as numbers or with a unit', () => {
    const limits = fileSettings.parse({ limits: { field: '1.5 kb', record: 2048, decompressed: '2GB' } }).limits;
    expect(limits).toMatchObject({ field: 1536, record: 2048, decompressed: 2 * 1024 ** 3 });
    for (const field of ['big', '-1', '1TB', 0, ''])
      expect(fileSettings.safeParse({ limits: { field } }).success).toBe(false);
  });

  it('refuses misspelt names and delimiters that could be part of a value', () => {
    for (const wrong of [
      { formt: 'csv' },
      { header: { mode: 'set' } },
      { trailer: { startWith: 'TRL' } },
      ...['"', 'a', '7', '\n', ';;', '', '\\'].map((delimiter) => ({ delimiter })),
    ]) {
      expect(fileSettings.safeParse(wrong).success).toBe(false);
    }
    for (const delimiter of [',', ';', '|', '\t', '^', '~', '\u0001']) {
      expect(fileSettings.parse({ delimiter }).delimiter).toBe(delimiter);
    }
  });

  it('describes every field in its JSON Schema', () => {
    const undescribed: string[] = [];
    const walk = (node: unknown, path: string): void => {
      if (typeof node !== 'object' || node === null || !('properties' in node)) return;
      for (const [name, child] of Object.entries(node.properties ?? {})) {
        if (!('description' in Object(child))) undescribed.push(`${path}.${name}`);
        walk(child, `${path}.${name}`);
      }
    };
    walk(z.toJSONSchema(fileSettings, { io: 'input' }), 'file');
    expect(undescribed).toEqual([]);
  });
});
