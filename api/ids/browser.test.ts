/** Pages of things as people meet them: in Chromium, without a script, by keyboard, on a phone. */
import { existsSync } from 'node:fs';

import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openTestApi, startAt, type TestApi } from '../api.fixture.ts';

const executablePath = '/usr/bin/chromium';

const pages = [
  'station/ha-noi',
  'datastream/ha-noi-temperature',
  'owner/agency',
  'property/pm2.5',
  'unit/ug~2Fm3',
  'flag/3',
  'licence/CC-BY-4.0',
  'dataset/agency~weather',
  'distribution/agency~weather~latest.csv',
  'service/api',
];

describe.skipIf(!existsSync(executablePath))('the page of a thing in Chromium', () => {
  let rig: TestApi;
  let browser: Browser;

  beforeAll(async () => {
    rig = await openTestApi();
    rig.setNow(startAt + 3_600_000);
    await rig.publish(
      ['ha-noi-temperature', 'ha-noi-direction', 'ha-noi-pm25'].map((id) =>
        rig.row(id, startAt, { result: 1234.5678 }),
      ),
    );
    browser = await chromium.launch({
      executablePath,
      args: [
        '--no-sandbox',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
  });
  afterAll(async () => {
    await browser?.close();
    await rig.close();
  });

  async function open(locale: string, width: number): Promise<{ page: Page; problems: string[] }> {
    const context = await browser.newContext({
      viewport: { width, height: 740 },
      locale,
      javaScriptEnabled: false,
    });
    const page = await context.newPage();
    const problems: string[] = [];
    page.on('console', (message) => problems.push(message.text()));
    page.on('requestfailed', (request) => problems.push(request.url()));
    page.on('request', (request) => {
      if (!request.url().startsWith(rig.url)) problems.push(request.url());
    });
    return { page, problems };
  }

  test.each(['vi-VN', 'en-GB'])(
    'of each kind is whole in %s, without a sideways scroll at 360 pixels',
    async (locale) => {
      const { page, problems } = await open(locale, 360);
      for (const path of pages) {
        await page.goto(`${rig.url}/id/${path}`);
        const language = locale.slice(0, 2);
        expect([path, await page.locator('html').getAttribute('lang')]).toEqual([path, language]);
        expect([path, await page.locator('h1').count()]).toEqual([path, 1]);
        const main = await page.locator('main').boundingBox();
        const wide = await page
          .locator('main *:not(.scroll *)')
          .evaluateAll(
            (elements, width) =>
              elements
                .filter((element) => element.getBoundingClientRect().right > width)
                .map((element) => element.outerHTML.slice(0, 80)),
            360,
          );
        expect([path, wide, (main?.width ?? 999) <= 360]).toEqual([path, [], true]);
        // The stylesheet was let through by the policy of the server.
        const paper = await page
          .locator('html')
          .evaluate((element) => getComputedStyle(element).backgroundColor);
        expect(paper).toBe('rgb(251, 252, 253)');
      }
      expect(problems).toEqual([]);
    },
    60_000,
  );

  test('has headings in order, each table with its own, and an end of each column for reading aloud', async () => {
    const { page } = await open('vi-VN', 1024);
    for (const path of pages) {
      await page.goto(`${rig.url}/id/${path}`);
      const levels = await page
        .locator('h1, h2, h3, h4')
        .evaluateAll((all) => all.map(({ tagName }) => Number(tagName.slice(1))));
      expect(levels[0]).toBe(1);
      for (const [at, level] of levels.entries()) {
        expect(level - (levels[at - 1] ?? 0)).toBeLessThanOrEqual(1);
      }
      expect(await page.locator('table:not(:has(th[scope="col"]))').count()).toBe(0);
      expect(await page.locator('a:not([href]), a:empty, img:not([alt])').count()).toBe(0);
    }
  });

  test('is walked through by keyboard in the order of reading, and each stop is seen', async () => {
    const { page } = await open('vi-VN', 360);
    await page.goto(`${rig.url}/id/station/ha-noi`);
    const stops = await page.locator('a[href], [tabindex="0"]').count();
    const tops: number[] = [];
    for (let stop = 0; stop < stops; stop += 1) {
      await page.keyboard.press('Tab');
      const focused = page.locator(':focus');
      expect(await focused.evaluate((element) => getComputedStyle(element).outlineStyle)).toBe(
        'solid',
      );
      const top = await focused.evaluate(
        (element) => element.getBoundingClientRect().top + scrollY,
      );
      tops.push(Math.round(top));
    }
    expect(tops.length).toBeGreaterThan(15);
    // From the top down; what stands in one line may differ by its padding.
    for (const [at, top] of tops.slice(2).entries()) {
      expect(top).toBeGreaterThanOrEqual((tops[at + 1] ?? 0) - 40);
    }
    await page.goto(`${rig.url}/id/station/ha-noi`);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(new URL(page.url()).hash).toBe('#content');
  });

  test('is read in the other language by one link', async () => {
    const { page } = await open('vi-VN', 360);
    await page.goto(`${rig.url}/id/property/rainfall`);
    await page.getByRole('link', { name: 'English' }).click();
    await page.getByRole('heading', { name: 'About' }).waitFor();
    await page.getByRole('link', { name: 'Tiếng Việt' }).click();
    await page.getByRole('heading', { name: 'Thông tin' }).waitFor();
  });
});
