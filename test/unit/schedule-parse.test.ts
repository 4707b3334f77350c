import fc from 'fast-check';
import { validate } from 'node-cron';
import { describe, expect, it } from 'vitest';
import { CronError, parseCron } from '../../src/jobs/cron.ts';
import { scheduleProblem } from '../../src/schedule/due.ts';

const problem = (expression: string): string => scheduleProblem(expression, 'UTC')?.message ?? '';

describe('reading a schedule', () => {
  it('knows names, ranges, steps and lists, in any case', () => {
    const cron = parseCron('0-20/10,55 6 1,15 jan-MAR/2 mon-Fri');
    expect(cron.minutes).toEqual([0, 10, 20, 55]);
    expect([...cron.months]).toEqual([1, 3]);
    expect([...cron.weekdays]).toEqual([1, 2, 3, 4, 5]);
    expect(cron.eitherDay).toBe(true);
  });

  it('takes 7 for Sunday, alone and at the end of a range', () => {
    expect([...parseCron('0 0 * * 7').weekdays]).toEqual([0]);
    expect([...parseCron('0 0 * * 5-7').weekdays].sort()).toEqual([0, 5, 6]);
    expect([...parseCron('0 0 * * SAT-SUN').weekdays].sort()).toEqual([0, 6]);
  });

  it.each([
    ['61 * * * *', 'minute: found "61", allowed are 0 to 59'],
    ['0 24 * * *', 'hour: found "24", allowed are 0 to 23'],
    ['0 0 0 * *', 'day of month: found "0", allowed are 1 to 31'],
    ['0 0 * 13 *', 'month: found "13", allowed are 1 to 12 or JAN to DEC'],
    ['0 0 * * MON-FRX', 'day of week: found "FRX" in "MON-FRX", allowed are 0 to 7 or SUN to SAT'],
    ['0 22-6 * * *', 'hour: found "22-6", a range that goes backwards: write 22-23,0-6'],
    ['5/15 * * * *', 'minute: found "5/15", a step needs * or a range before it: write 5-59/15 or */15'],
    ['*/0 * * * *', 'minute: found the step "/0", allowed are 1 to 60'],
    ['1,,2 * * * *', 'minute: found an empty place in a list in "1,,2"'],
    ['0 0 L * *', 'day of month: found "L"'],
    ['0 0 30 2 *', 'a date that never comes'],
    ['@daily', 'five fields are needed'],
    ['0 0 0 * * *', 'found 6 ("0 0 0 * * *"), five fields are needed'],
    ['', 'found nothing, five fields are needed'],
  ])('says what is wrong with %j', (expression, message) => {
    expect(problem(expression)).toContain(message);
  });

  it('says that a zone does not exist', () => {
    expect(scheduleProblem('* * * * *', 'America/NewYork')).toEqual({
      field: 'timezone',
      message: 'timezone: found "America/NewYork", an IANA time zone is needed, such as America/New_York or UTC',
    });
    expect(scheduleProblem('* * * * *', 'America/New_York')).toBeUndefined();
  });

  it('never takes what node-cron refuses', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        '*',
        '*/2',
        '*/7',
        '1-5',
        '0',
        '7',
        '12',
        '31',
        '59',
        'MON',
        'JAN',
        'SAT-SUN',
        '2-6/2',
        '1,3',
        '30',
        'x',
        '8-2',
        '007',
      ),
      fc.stringMatching(/^[0-9*/,-]{1,5}$/),
    );
    fc.assert(
      fc.property(fc.tuple(piece, piece, piece, piece, piece), (fields) => {
        const expression = fields.join(' ');
        try {
          parseCron(expression);
        } catch (error) {
          expect(error).toBeInstanceOf(CronError);
          return;
        }
        expect(validate(expression)).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });
});
