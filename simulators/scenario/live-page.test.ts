import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fleetStations, registryFileOf } from '../demo-network.ts';
import { provision } from './network.ts';
import { startServerProcess, type ServerPorts, type ServerProcess } from './server-process.ts';

const executablePath = '/usr/bin/chromium';
/** Screenshots are kept where this names a folder; otherwise they go with the test. */
const kept = process.env['QUANTRAC_SCREENSHOTS'];

describe.skipIf(!existsSync(executablePath))('the live page in Chromium', () => {
  let folder: string;
  let shots: string;
  let server: ServerProcess & { readonly dataDir: string };
  let browser: Browser;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'quantrac-page-'));
    shots = kept ?? join(folder, 'shots');
    mkdirSync(shots, { recursive: true });
    server = await start(join(folder, 'data'));
    browser = await chromium.launch({
      executablePath,
      args: [
        '--no-sandbox',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--use-angle=swiftshader',
        '--enable-unsafe-swiftshader',
      ],
    });
  });

  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    rmSync(folder, { recursive: true });
  });

  async function start(dataDir: string, ports?: ServerPorts) {
    // The browser and the server share a machine that may be busy: what is tested is not who is refused.
    const config = join(folder, 'config.json');
    writeFileSync(config, JSON.stringify({ api: { overloadDelayMs: 60_000 } }));
    const started = await startServerProcess({
      dataDir,
      flags: ['--demo', '--config', config],
      ...(ports === undefined ? {} : { ports }),
    });
    return { ...started, dataDir };
  }

  /** A page that saw no error and asked no other address than the server's. */
  async function openPage(
    width: number,
    height: number,
  ): Promise<{ page: Page; problems: string[] }> {
    const context = await browser.newContext({ viewport: { width, height }, locale: 'vi-VN' });
    const page = await context.newPage();
    const problems: string[] = [];
    const origin = `http://127.0.0.1:${server.ports.httpPort}`;
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text());
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(origin) && !/^(blob|data):/.test(request.url()))
        problems.push(request.url());
    });
    await page.goto(`${origin}/`);
    return { page, problems };
  }

  test('shows stations, changes language, and a value moves by itself', async () => {
    const { page, problems } = await openPage(1280, 800);
    const station = page.locator('[data-station="sim-ha-noi"]');
    await station.waitFor();
    await page.getByRole('status').filter({ hasText: 'Trực tiếp' }).waitFor();
    await station.click();
    await page.getByRole('heading', { name: 'Hà Nội (mô phỏng)' }).waitFor();
    const time = page.locator('[data-datastream="sim-ha-noi.air-temperature"] time');
    const before = await time.getAttribute('datetime');
    await expect.poll(() => time.getAttribute('datetime')).not.toBe(before);
    await page.getByRole('button', { name: 'Switch to Vietnamese' }).waitFor({ state: 'hidden' });
    await page.locator('header button').click();
    await page.getByRole('heading', { name: 'Ha Noi (simulated)' }).waitFor();
    expect(await page.locator('html').getAttribute('lang')).toBe('en');
    await page.getByRole('button', { name: /^Chart of 24 hours: Air temperature/ }).click();
    await page.locator('.u-wrap canvas').waitFor();
    await page.locator('.u-over').hover();
    await expect
      .poll(() => page.locator('.u-legend').innerText())
      .toMatch(/Time.*\d\d\/\d\d, \d\d:\d\d:\d\d/s);
    await page.locator('.map canvas').waitFor();
    await page.screenshot({ path: join(shots, 'live-page-desktop.png'), fullPage: true });
    expect(problems).toEqual([]);
  });

  test('marks a station that has gone silent, and says its class and its lack in words', async () => {
    const { dataDir, ports } = server;
    const content = registryFileOf(fleetStations(1, 60_000));
    const deviceId = (await provision(dataDir, content))[0]?.deviceId ?? '';
    const url = `mqtt://127.0.0.1:${ports.mqttPort}`;
    const device = await connectAsync(url, { clientId: 'silent', reconnectPeriod: 0 });
    const { page, problems } = await openPage(1280, 800);
    await page.locator('[data-station="sim-ha-noi"]').waitFor();
    // A station that the page has never heard of appears by itself.
    const yesterday = `{"ts":${Date.now() - 86_400_000},"values":{"temp":21.5,"rh":null}}`;
    await device.publishAsync(`env/v1/${deviceId}/obs`, yesterday, { qos: 1 });
    await device.endAsync();
    const station = page.locator(`[data-station="${deviceId}"]`);
    await station.getByText('quá hạn').waitFor();
    expect(await station.locator('.mark').getAttribute('class')).toBe('mark flag0');
    const live = page.locator('[data-station="sim-ha-noi"]');
    await expect.poll(() => live.innerText()).not.toContain('quá hạn');
    await station.click();
    await page.getByText('trạm tham khảo').waitFor();
    const missing = page.locator(`[data-datastream="${deviceId}.relative-humidity"]`);
    await missing.getByText('thiết bị không gửi').waitFor();
    await missing.getByText('quá hạn').waitFor();
    expect(problems).toEqual([]);
  });

  test('is live again by itself after the server was away', async () => {
    const { page } = await openPage(1280, 800);
    const state = page.getByRole('status');
    await state.filter({ hasText: 'Trực tiếp' }).waitFor();
    const { dataDir, ports } = server;
    await server.stop();
    await state.filter({ hasText: 'Mất kết nối' }).waitFor();
    server = await start(dataDir, ports);
    await state.filter({ hasText: 'Trực tiếp' }).waitFor({ timeout: 40_000 });
    const time = page.locator('[data-datastream="sim-ha-noi.air-temperature"] time');
    await page.locator('[data-station="sim-ha-noi"]').click();
    const before = await time.getAttribute('datetime');
    await expect.poll(() => time.getAttribute('datetime')).not.toBe(before);
  });

  test('works on a phone, without a sideways scroll', async () => {
    const { page, problems } = await openPage(390, 844);
    await page.locator('[data-station="sim-song-hong"]').click();
    await page.getByRole('heading', { name: /Sông Hồng/ }).waitFor();
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(overflow).toBeLessThanOrEqual(0);
    await page.screenshot({ path: join(shots, 'live-page-phone.png'), fullPage: true });
    expect(problems).toEqual([]);
  });

  test('is used by keyboard alone', async () => {
    const { page } = await openPage(1280, 800);
    await page.locator('[data-station="sim-ha-noi"]').waitFor();
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.className)).toBe('skip');
    await page.keyboard.press('Enter');
    await page.getByRole('searchbox').focus();
    await page.keyboard.type('da lat');
    await expect.poll(() => page.locator('.stations li').count()).toBe(1);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Đà Lạt (mô phỏng)' }).waitFor();
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('H2');
  });
});
