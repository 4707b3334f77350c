import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PROJECT, projectFiles, readSource, sourceFiles } from './rooms-files.ts';

const MOST_LINES = 350;

/** This file holds the patterns that it looks for. */
const SELF = 'test/unit/rooms-sources.test.ts';

function places(pattern: RegExp, files: readonly string[]): string[] {
  return files.flatMap((path) => {
    const lines = readFileSync(join(PROJECT, path), 'utf8').split('\n');
    return lines.flatMap((line, i) => (pattern.test(line) ? [`${path}:${i + 1}: ${line.trim().slice(0, 120)}`] : []));
  });
}

describe('the sources', () => {
  const tracked = projectFiles().filter((path) => path !== SELF);

  test(`no file has more than ${MOST_LINES} lines`, () => {
    const code = tracked.filter((path) => /^(?:src|test|tools|bench)\/.*\.ts$/.test(path));
    expect(code.length).toBeGreaterThan(sourceFiles().length);
    const long = code
      .map((path) => ({ path, lines: readFileSync(join(PROJECT, path), 'utf8').trimEnd().split('\n').length }))
      .filter(({ lines }) => lines > MOST_LINES);
    expect(long).toEqual([]);
  });

  test('no file holds the path of a developer machine', () => {
    const ours = new RegExp(`(?<![\\w.~-])${PROJECT.replaceAll('/', '\\/').replace(/\/$/, '')}\\b`);
    const homes = /(?<![\w.~:-])\/(?:work|root|Users|home\/(?!user\b|partner\b|you\b))\/?[A-Za-z]/;
    const found = [...places(ours, tracked), ...places(homes, tracked)];
    expect(found).toEqual([]);
  });

  test('no file names a package registry, and the lockfile says of each package only what it must be', () => {
    const lockfile = readFileSync(join(PROJECT, 'package-lock.json'), 'utf8');
    expect(lockfile).not.toContain('"resolved": "http');
    expect(lockfile).toContain('"integrity": "sha512-');
    expect(places(/https?:\/\/[^\s"'/]*(?:registry|artifactory|nexus|verdaccio|pypi|npmjs)/i, tracked)).toEqual([]);
  });

  test('nothing is left to do in a comment', () => {
    const code = tracked.filter((path) => /\.(ts|yaml)$/.test(path));
    expect(places(/(?:\/\/|\*|#).*\b(?:TODO|FIXME)\b/, code)).toEqual([]);
  });

  test('time, randomness and the environment come in through Io', () => {
    const inside = sourceFiles().filter((path) => !/^(?:commands\/|main\.ts|io\.ts)/.test(path));
    const found = inside.flatMap((path) =>
      readSource(path)
        .split('\n')
        .flatMap((line, i) =>
          /\bDate\.now\(|\bMath\.random\(|\bprocess\.env\b/.test(line.replace(/\/\/.*$/, ''))
            ? [`${path}:${i + 1}`]
            : [],
        ),
    );
    expect(found).toEqual([]);
  });
});
