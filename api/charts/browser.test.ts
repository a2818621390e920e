/** Charts as people see them: in Chromium, from an API over real files. */
import { existsSync } from 'node:fs';

import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openTestApi, startAt, type TestApi } from '../api.fixture.ts';

const executablePath = '/usr/bin/chromium';
const minute = 60_000;

describe.skipIf(!existsSync(executablePath))('a chart in Chromium', () => {
  let rig: TestApi;
  let browser: Browser;
  let page: Page;
  const problems: string[] = [];

  beforeAll(async () => {
    rig = await openTestApi();
    rig.setNow(startAt + 10 * 86_400_000);
    for (const [datastream, step] of [
      ['ha-noi-temperature', 5],
      ['hue-rain', 1],
      ['ha-noi-direction', 29],
    ] as const) {
      await rig.publish(
        Array.from({ length: 200 }, (_, index) =>
          rig.row(datastream, startAt + index * 10 * minute, { result: (index * step) % 360 }),
        ),
      );
    }
    browser = await chromium.launch({
      executablePath,
      args: [
        '--no-sandbox',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
    page = await browser.newPage();
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (message) => {
      // Chromium asks every server for its icon.
      const isIcon = message.location().url.endsWith('/favicon.ico');
      if (message.type() === 'error' && !isIcon) problems.push(message.text());
    });
  });

  afterAll(async () => {
    await browser?.close();
    await rig?.close();
  });

  const series = 'datastream=ha-noi-temperature,hue-rain,ha-noi-direction';

  test('opens by itself as a document with a name, and nothing is refused or overlaps', async () => {
    const answer = await page.goto(`${rig.url}/api/v1/observations.svg?${series}&lang=vi`);
    expect(answer?.status()).toBe(200);
    const { name, isOutside, paths } = await page.evaluate(() => {
      const root = document.documentElement as unknown as SVGSVGElement;
      const { width, height } = root.getBoundingClientRect();
      const texts = [...root.querySelectorAll('text')].map((each) => each.getBoundingClientRect());
      return {
        name: root.querySelector('title')?.textContent,
        isOutside: texts.some(
          (each) => each.left < 0 || each.top < 0 || each.right > width || each.bottom > height,
        ),
        paths: [...root.querySelectorAll('path')].filter(
          (each) => each.getBoundingClientRect().height > 50,
        ).length,
      };
    });
    expect(name).toContain('Hướng gió');
    expect(isOutside).toBe(false);
    expect(paths).toBeGreaterThan(3);
    expect(problems).toEqual([]);
  });

  /** How many pixels of each colour the picture has, as `img` shows it. */
  async function coloursOf(path: string): Promise<Record<string, number>> {
    await page.goto(`${rig.url}/api/v1/`);
    return page.evaluate(async (source) => {
      const image = new Image();
      image.src = source;
      await image.decode();
      const canvas = document.createElement('canvas');
      canvas.width = image.naturalWidth;
      canvas.height = image.naturalHeight;
      const context = canvas.getContext('2d');
      if (context === null) throw new Error('no canvas');
      context.drawImage(image, 0, 0);
      const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
      const counts: Record<string, number> = {};
      for (let at = 0; at < pixels.length; at += 4) {
        const colour = pixels.slice(at, at + 3).join();
        counts[colour] = (counts[colour] ?? 0) + 1;
      }
      return counts;
    }, path);
  }

  test.each([
    ['observations.png', 'light', '255,255,255'],
    ['observations.svg', 'light', '255,255,255'],
    ['observations.png', 'dark', '20,24,29'],
    ['aggregates.png', 'light', '255,255,255'],
  ])('%s is a picture that is not blank, %s', async (name, theme, ground) => {
    const colours = await coloursOf(`/api/v1/${name}?${series}&theme=${theme}&width=640`);
    const total = Object.values(colours).reduce((sum, each) => sum + each, 0);
    const onGround = colours[ground] ?? 0;
    expect(onGround).toBeGreaterThan(total / 2);
    expect(total - onGround).toBeGreaterThan(total / 100);
    const line = theme === 'dark' ? '108,182,255' : '0,96,168';
    expect(colours[line] ?? 0).toBeGreaterThan(20);
  });
});
