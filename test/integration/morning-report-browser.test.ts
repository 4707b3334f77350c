import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MorningAccount } from '../../src/reports/morning.ts';
import { renderMorning } from '../../src/reports/morning-report.ts';
import {
  lostLinksMorning,
  manyFiles,
  morning,
  realisticMorning,
  seen,
  shareLinksMorning,
  uglyMorning,
} from '../unit/morning-fixture.ts';
import { fileAccount } from '../unit/reports-fixture.ts';

const CHROMIUM = '/usr/bin/chromium';
const missing = existsSync(CHROMIUM) ? '' : ` (skipped: ${CHROMIUM} is not installed; apt-get install chromium)`;
if (missing !== '' && process.env.REFERRY_REQUIRE_ALL === '1') throw new Error(missing);

/** Pictures of the pages, to be looked at. */
const PICTURES = fileURLToPath(new URL('../../coverage/morning-report/', import.meta.url));

const one = (): MorningAccount =>
  morning([
    seen(
      { name: 'only.csv', account: fileAccount({ name: 'only.csv', shares: [['delivered', 1, '', '']] }) },
      Date.parse('2026-11-20T11:15:00Z'),
    ),
  ]);

const PAGES: readonly [string, () => MorningAccount][] = [
  ['realistic', realisticMorning],
  ['ugly', uglyMorning],
  ['no-file', () => morning([])],
  ['one-file', one],
  ['500-files', () => manyFiles(500)],
  ['share-links', shareLinksMorning],
  ['lost-links', lostLinksMorning],
  ['one-day', () => morning([], {}, 1)],
];

describe.skipIf(missing !== '')(`the morning report in a browser${missing}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'referry-morning-'));
  let browser: Browser;
  beforeAll(async () => {
    mkdirSync(PICTURES, { recursive: true });
    const args = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'];
    browser = await chromium.launch({ executablePath: CHROMIUM, args });
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true });
  });

  /** Opens the page as an operator would: a file on disk, without a network. */
  async function opened(name: string, account: MorningAccount, width: number) {
    const path = join(folder, `${name}-${width}.html`);
    writeFileSync(path, (await renderMorning(account)).html);
    const context = await browser.newContext({ viewport: { width, height: 800 }, offline: true });
    const page = await context.newPage();
    const complaints: string[] = [];
    const fetched: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('dialog', (dialog) => {
      complaints.push(dialog.message());
      void dialog.dismiss();
    });
    page.on('request', (request) => fetched.push(request.url()));
    await page.goto(pathToFileURL(path).href);
    return { page, complaints, fetched };
  }

  const widest = (page: Page): Promise<number> =>
    page.evaluate<number>(`
      for (const details of document.querySelectorAll('details')) details.open = true;
      const right = Array.from(document.body.querySelectorAll('*'), (element) => element.getBoundingClientRect().right);
      Math.max(document.documentElement.scrollWidth, ...right);`);

  it.each(PAGES)('%s: fits a phone and a screen, fetches nothing, runs nothing', async (name, account) => {
    const { page, complaints, fetched } = await opened(name, account(), 380);
    for (const width of [380, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      await page.screenshot({ path: join(PICTURES, `${name}-${width}.png`), fullPage: name !== '500-files' });
    }
    for (const width of [1280, 380]) {
      await page.setViewportSize({ width, height: 800 });
      expect(await widest(page), `${name} at ${width}`).toBeLessThanOrEqual(width);
    }
    expect(await page.locator('script, img, iframe, link, object').count()).toBe(0);
    expect(complaints).toEqual([]);
    expect(fetched).toHaveLength(1);
    await page.context().close();
  });

  it('has a bar for each day with rows, whose parts are as high as their share', async () => {
    const account = realisticMorning();
    const { page } = await opened('bars', account, 1280);
    const bars = page.locator('#by-day-title').locator('xpath=..').locator('g');
    expect(await bars.count()).toBe(account.days.filter((day) => day.counts.read > 0).length);
    const last = account.days.at(-1);
    const words = await bars.last().locator('title').textContent();
    expect(words).toContain(`2026-11-20: ${last?.counts.delivered.toLocaleString('en-US')} delivered`);
    const heights = await bars
      .last()
      .locator('rect')
      .evaluateAll((all) => all.map((rect) => Number(rect.getAttribute('height'))));
    const most = Math.max(...account.days.map((day) => day.counts.read));
    const sum = heights.reduce((total, height) => total + height, 0);
    expect(sum).toBeCloseTo(((last?.counts.read ?? 0) / most) * 100, 0);
    await page.context().close();
  });

  it('names its charts for people who do not see them, and says every number in a table', async () => {
    const { page } = await opened('names', realisticMorning(), 1280);
    for (const name of [/^Outcomes by day/, /^Files by hour of arrival/])
      expect(await page.getByRole('img', { name }).count()).toBe(1);
    expect(await page.getByRole('table').count()).toBeGreaterThan(3);
    expect(await page.getByRole('row', { name: /^2026-11-20/ }).count()).toBeGreaterThan(0);
    await page.context().close();
  });

  it('shows a day that does not balance in red and with a sign, and reads dark on light', async () => {
    const { page } = await opened('red', uglyMorning(), 1280);
    const word = page.locator('#verdict');
    expect(await word.innerText()).toMatch(/^DOES NOT BALANCE: 2026-11-20: lost-one\.csv: read 500/);
    const row = page.locator('tr.unbalanced');
    expect(await row.count()).toBe(1);
    expect(await row.innerText()).toContain('✕ does not balance');
    expect(await page.locator('.marks .m-unbalanced').innerText()).toBe('✕');
    const [ink = 255, paper = 0] = await page.evaluate<number[]>(`
      const { color, backgroundColor } = getComputedStyle(document.body);
      [color, backgroundColor].map((text) => Number(text.match(/\\d+/)[0]));`);
    expect(ink).toBeLessThan(60);
    expect(paper).toBe(255);
    await page.context().close();
  });

  it('prints on paper: what is closed on the screen is there, and nothing is wider than the page', async () => {
    const { page } = await opened('print', realisticMorning(), 1280);
    await page.emulateMedia({ media: 'print' });
    await page.setViewportSize({ width: 718, height: 1000 });
    expect(await page.getByRole('row', { name: '06:00 to 07:00' }).isVisible()).toBe(true);
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(718);
    await page.screenshot({ path: join(PICTURES, 'print.png'), fullPage: true });
    await page.context().close();
  });
});
