import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { openTestApi, startAt, type TestApi } from '../api.fixture.ts';
import { isLoopback } from './health.ts';

let rig: TestApi;

beforeEach(async () => {
  rig = await openTestApi();
});
afterEach(() => rig.close());

function metric(text: string, name: string): number {
  const line = text.split('\n').find((each) => each.startsWith(`${name} `));
  return Number(line?.split(' ').at(-1));
}

describe('health', () => {
  test('lives whatever the other rooms say, and is ready only when all are', async () => {
    expect((await rig.get('/readyz')).status).toBe(200);
    rig.health.push({ room: 'broker', isReady: false, reasons: ['the disk is full'] });
    rig.health.push({ room: 'ingest', isReady: false, reasons: [] });
    const answer = await rig.get('/readyz');
    expect(answer.status).toBe(503);
    expect(await answer.json()).toEqual({
      ready: false,
      reasons: [
        { room: 'broker', reason: 'the disk is full' },
        { room: 'ingest', reason: 'not ready' },
      ],
      warnings: [],
    });
    expect((await rig.get('/livez')).status).toBe(200);
  });

  test('shows both balance laws, of what was followed and of what is durable', async () => {
    await rig.publish([rig.row('hue-rain', startAt)], { consumed: 1 });
    await rig.api.registryAdmin.createToken({ role: 'reader', actor: 'test' });
    const text = await (await rig.get('/metrics')).text();
    expect(text).toContain('# metrics of all rooms');
    expect(metric(text, 'quantrac_readings_logged_total')).toBe(2);
    expect(metric(text, 'quantrac_readings_in_flight')).toBe(1);
    expect(metric(text, 'quantrac_measurements_total{outcome="stored"}')).toBe(1);
    expect(rig.api.balance()).toMatchObject({ readingsLogged: 2, readingsInFlight: 1 });
  });

  test('knows after a start how far the readings were settled', async () => {
    await rig.api.registryAdmin.createToken({ role: 'reader', actor: 'test' });
    await rig.publish([rig.row('hue-rain', startAt)], { consumed: 2 });
    rig.flush();
    rig = await rig.reopen();
    expect(rig.api.balance()).toMatchObject({ readingsLogged: 2, readingsInFlight: 0 });
  });

  test('gives metrics to this machine alone', async () => {
    expect(['127.0.0.1', '::1', '::ffff:127.0.0.1'].map(isLoopback)).toEqual([true, true, true]);
    expect(['10.0.0.1', '::ffff:10.0.0.1', ''].map(isLoopback)).toEqual([false, false, false]);
    const forwarded = await rig.get('/metrics', { 'x-forwarded-for': '203.0.113.7' });
    expect(forwarded.status).toBe(403);
    expect(await forwarded.json()).toMatchObject({ code: 'API_METRICS_LOCAL' });
  });

  test('gives metrics to everyone at a port of their own, and nothing else there', async () => {
    rig = await rig.reopen({ config: { metricsPort: 0 } });
    const url = `http://127.0.0.1:${rig.api.metricsPort}`;
    const metrics = await fetch(`${url}/metrics`, { headers: { 'x-forwarded-for': '10.0.0.1' } });
    expect([metrics.status, metrics.headers.get('content-type')]).toEqual([
      200,
      'text/plain; version=0.0.4; charset=utf-8',
    ]);
    expect((await fetch(`${url}/api/v1/latest`)).status).toBe(404);
  });
});
