import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunAccount } from '../../src/model.ts';
import { renderReport } from '../../src/reports/report.ts';
import { shareLinksRun } from '../unit/reports-after-fixture.ts';
import { realisticRun, uglyRun } from '../unit/reports-fixture.ts';

const CHROMIUM = '/usr/bin/chromium';
const missing = existsSync(CHROMIUM) ? '' : ` (skipped: ${CHROMIUM} is not installed; apt-get install chromium)`;

describe.skipIf(missing !== '')(`the HTML report in a browser${missing}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'referry-report-'));
  let browser: Browser;
  beforeAll(async () => {
    const args = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'];
    browser = await chromium.launch({ executablePath: CHROMIUM, args });
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true });
  });

  /** Opens the report as an operator would: a file on disk, without a network. */
  async function opened(
    account: RunAccount,
    width: number,
  ): Promise<{ page: Page; complaints: string[]; fetched: string[] }> {
    const path = join(folder, `${account.job.length}-${width}.html`);
    writeFileSync(path, (await renderReport(account)).html);
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

  it.each([380, 1280])('fits %i pixels without scrolling sideways, also with hostile names', async (width) => {
    for (const account of [realisticRun(), uglyRun(), shareLinksRun()]) {
      const { page } = await opened(account, width);
      // Closed parts count too: a reader opens them.
      const widest = await page.evaluate<number>(`
        for (const details of document.querySelectorAll('details')) details.open = true;
        const right = Array.from(document.body.querySelectorAll('*'), (element) => element.getBoundingClientRect().right);
        Math.max(document.documentElement.scrollWidth, ...right);`);
      expect(widest).toBeLessThanOrEqual(width);
      await page.context().close();
    }
  });

  it('X05: runs no script and fetches nothing but itself', async () => {
    const { page, complaints, fetched } = await opened(uglyRun(), 1280);
    expect(await page.title()).toBe('DOES NOT BALANCE – öffnungen & <b>more</b>, run 01JD4Q8Z6W3V');
    expect(await page.locator('script, img, iframe, link, object').count()).toBe(0);
    expect(complaints).toEqual([]);
    expect(fetched).toHaveLength(1);
    // The policy itself holds, should something get in one day.
    const ran = await page.evaluate<boolean>(`
      const script = document.createElement('script');
      script.textContent = 'window.ranAnyway = true';
      document.body.append(script);
      'ranAnyway' in window;`);
    expect(ran).toBe(false);
    await page.context().close();
  });

  it.each([380, 1280])('shows the verdict and what needs a person without scrolling, at %i pixels', async (width) => {
    const { page } = await opened(realisticRun(), width);
    const verdict = page.locator('.verdict');
    expect(await verdict.innerText()).toContain('9 rows in conflict');
    const box = await verdict.boundingBox();
    expect(box && box.y + box.height).toBeLessThan(800);
    await page.context().close();
  });

  it('shows a missing balance in red', async () => {
    const { page } = await opened(uglyRun(), 1280);
    const word = page.locator('#verdict');
    expect(await word.isVisible()).toBe(true);
    expect(await word.innerText()).toMatch(/^DOES NOT BALANCE: lost-one\.csv: read 500/);
    const colour = await page.evaluate<string>("getComputedStyle(document.getElementById('verdict')).color");
    const [red = 0, green = 0, blue = 0] = (colour.match(/\d+/g) ?? []).map(Number);
    expect(red).toBeGreaterThan(2 * Math.max(green, blue));
    await page.context().close();
  });

  it('draws a bar for each file whose parts fill it', async () => {
    const { page } = await opened(realisticRun(), 1280);
    const bars = page.locator('.chart svg');
    expect(await bars.count()).toBe(2);
    const widths = await bars
      .first()
      .locator('rect')
      .evaluateAll((all) => all.map((rect) => Number(rect.getAttribute('width'))));
    expect(widths.reduce((sum, width) => sum + width, 0)).toBeCloseTo(1000, 0);
    expect(await bars.first().getAttribute('aria-label')).toBe('1,117 delivered, 5 duplicate, 7 conflict, 45 rejected');
    await page.context().close();
  });

  it('prints the parts that are closed on the screen', async () => {
    const { page } = await opened(uglyRun(), 1280);
    const closed = page.locator('details:not([open]) dl.about').first();
    expect(await closed.isVisible()).toBe(false);
    await page.emulateMedia({ media: 'print' });
    expect(await closed.isVisible()).toBe(true);
    await page.context().close();
  });
});
