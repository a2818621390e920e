import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';

import type { ObservationRow } from '../../ingest/observation.ts';
import { openTestApi, startAt, type TestApi } from '../api.fixture.ts';

const minute = 60_000;
const day = 1_440 * minute;

let rig: TestApi;

const verdict = (flag: 1 | 3 | 4 | 9): ObservationRow['verdict'] => ({
  flag,
  tests: '1111111111222222',
  qualifiers: 0,
  reason: flag === 9 ? 'MISSING' : null,
  rules: '0badc0de',
});

/** A station whose name would be dangerous as it is, and the speed of the wind. */
function importMore(): void {
  const name = '<script>alert(1)</script>"&';
  const place = { latitude: 1, longitude: 1, timeZone: 'Asia/Ho_Chi_Minh' };
  const outcome = rig.registry.importFile(
    {
      format: 'quantrac-registry/1',
      stations: [
        { id: 'odd', name: { vi: name, en: name }, owner: 'agency', class: 'citizen', ...place },
      ],
      datastreams: [
        {
          id: 'odd-t',
          station: 'odd',
          property: 'air-temperature',
          aggregation: 'mean',
          intervalMs: minute,
        },
        {
          id: 'ha-noi-speed',
          station: 'ha-noi',
          property: 'wind-speed',
          aggregation: 'instant',
          intervalMs: 10 * minute,
        },
      ],
    },
    'test',
  );
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.problems));
}

beforeAll(async () => {
  rig = await openTestApi({ config: { chartRowsMax: 5_000 } });
  rig.setNow(startAt + 30 * day);
  importMore();
  const temperature = Array.from({ length: 600 }, (_, index) => {
    const flag = index % 97 === 50 ? 3 : index % 131 === 60 ? 4 : 1;
    const value = 26 + 6 * Math.sin(index / 22) + (flag === 4 ? 900 : flag === 3 ? 4 : 0);
    return rig.row('ha-noi-temperature', startAt + index * 10 * minute, {
      result: Math.round(value * 10) / 10,
      verdict: verdict(flag),
    });
  });
  // Half a day of nothing.
  await rig.publish(temperature.filter((_, index) => index < 200 || index > 272));
  await rig.publish(
    Array.from({ length: 300 }, (_, index) =>
      rig.row('ha-noi-direction', startAt + index * 20 * minute, { result: (index * 13) % 360 }),
    ),
  );
  await rig.publish(
    Array.from({ length: 200 }, (_, index) =>
      rig.row('hue-rain', startAt + index * 10 * minute, {
        result: index % 40 < 12 ? index % 12 : 0,
      }),
    ),
  );
  await rig.publish([rig.row('hidden-temperature', startAt, { result: 41 })]);
  rig.flush();
});
afterAll(() => rig.close());

const temperatureChart = '/api/v1/observations.svg?datastream=ha-noi-temperature';

async function chart(path: string, headers: Record<string, string> = {}) {
  const answer = await rig.get(path, headers);
  const text = await answer.text();
  return { answer, text };
}

/** Runs of the line of a chart with one: each begins with an M. */
function runsOf(text: string): number {
  const line = /<path d="([^"]*)" fill="none" stroke="[^"]*" stroke-width="1.6"/.exec(text)?.[1];
  return line?.match(/M/g)?.length ?? 0;
}

describe('a chart of rows', () => {
  test('has a name and a description to be heard, in the language asked for', async () => {
    const vietnamese = await chart(temperatureChart);
    expect(vietnamese.answer.headers.get('content-type')).toBe('image/svg+xml; charset=utf-8');
    expect(vietnamese.answer.headers.get('content-language')).toBe('vi');
    expect(vietnamese.text).toContain('<title id="title">Nhiệt độ không khí – Trạm ha-noi</title>');
    expect(vietnamese.text).toMatch(/<desc id="description">.*giờ địa phương UTC\+07:00/);
    const english = await chart(temperatureChart, {
      'accept-language': 'fr, en-GB;q=0.8, vi;q=0.1',
    });
    expect(english.text).toContain('<title id="title">Air temperature – Station ha-noi</title>');
    const wished = await chart(`${temperatureChart}&lang=vi`, { 'accept-language': 'en' });
    expect(wished.text).toContain('Nhiệt độ không khí');
    expect(vietnamese.text).toContain('Nguồn: Sở · Giấy phép: CC-BY-4.0');
  });

  test('leaves what is missing open, and tells suspect and failed values', async () => {
    const { text } = await chart(`${temperatureChart}&lang=en`);
    // Half a day is missing, and five values failed.
    expect(runsOf(text)).toBe(7);
    expect(text).toContain('>suspect: 5<');
    expect(text).toContain('>failed a test: 5<');
    const { text: good } = await chart(`${temperatureChart}&lang=en&quality=good`);
    expect(good).not.toContain('suspect');
  });

  test('draws rain as bars, and directions as points between north and north', async () => {
    const { text } = await chart(
      '/api/v1/observations.svg?datastream=hue-rain,ha-noi-direction&lang=en',
    );
    expect(text).toContain('>Rainfall amount (mm)<');
    expect(text.match(/Z"? ?/g)?.length ?? 0).toBeGreaterThan(10);
    const points = ['N', 'E', 'S', 'W'].map((point) => text.includes(`>${point}</text>`));
    expect(points).toEqual([true, true, true, true]);
    expect(text).toContain('stroke-width="3.2"');
  });

  test('has no script, and no name can bring one in', async () => {
    const { answer, text } = await chart('/api/v1/observations.svg?datastream=odd-t');
    expect(answer.status).toBe(200);
    expect(text).not.toContain('<script');
    expect(text).toContain('&lt;script&gt;alert(1)&lt;/script&gt;&quot;&amp;');
    expect(text).toContain('Không có giá trị trong khoảng này');
  });

  test('is of the time asked for, and as of a moment of what was published then', async () => {
    const time = (at: number) => encodeURIComponent(new Date(at).toISOString());
    const span = `&lang=en&from=${time(startAt)}&to=${time(startAt + day)}`;
    const { text } = await chart(temperatureChart + span);
    expect(text).toContain('1 Jun 2024 07:00 – 2 Jun 2024 07:00');
    expect(text).toMatch(/ 143 values, /);
    const { text: before } = await chart(`${temperatureChart}${span}&asOf=${time(startAt)}`);
    expect(before).toContain('as published at 1 Jun 2024 07:00');
    expect(before).toContain('No values in this span');
  });
});

describe('a chart of windows', () => {
  test('shows what fits: sums of rain, means of temperature with their range', async () => {
    const { text } = await chart(
      '/api/v1/aggregates.svg?datastream=ha-noi-temperature,hue-rain&window=P1D&lang=en',
    );
    expect(text).toContain('>Air temperature, mean daily (°C)<');
    expect(text).toContain('>Rainfall amount, sum daily (mm)<');
    expect(text).toContain('fill-opacity="0.2"');
  });

  test('shows one function that was asked for', async () => {
    const path = '/api/v1/aggregates.svg?datastream=ha-noi-temperature&window=PT1H&lang=en';
    expect((await chart(`${path}&functions=p95`)).text).toContain(
      '>Air temperature, percentile 95 hourly (°C)<',
    );
    expect((await chart(`${path}&functions=count`)).text).toContain(
      '>Air temperature, count hourly<',
    );
  });
});

describe('as a resource a chart', () => {
  test('is the same until a series of it changes, also as PNG, which is not painted again', async () => {
    for (const [index, extension] of ['svg', 'png'].entries()) {
      const path = `/api/v1/observations.${extension}?datastream=hue-rain&width=301`;
      const first = await rig.get(path);
      const bytes = Buffer.from(await first.arrayBuffer());
      const tag = first.headers.get('etag') ?? '';
      expect(first.headers.get('cache-control')).toBe('public, max-age=60');
      await rig.publish([rig.row('kathmandu-temperature', startAt)]);
      const again = await rig.get(path, { 'if-none-match': tag });
      expect([again.status, (await again.arrayBuffer()).byteLength]).toEqual([304, 0]);
      const paintedSeconds = rig.telemetry.value('quantrac_chart_paint_seconds');
      const anew = await rig.get(path);
      expect(Buffer.from(await anew.arrayBuffer()).equals(bytes)).toBe(true);
      expect(rig.telemetry.value('quantrac_chart_paint_seconds')).toBe(paintedSeconds);
      await rig.publish([
        rig.row('hue-rain', startAt + (300 + index) * 10 * minute, { result: 30 }),
      ]);
      const changed = await rig.get(path, { 'if-none-match': tag });
      expect(changed.status).toBe(200);
      expect(Buffer.from(await changed.arrayBuffer()).equals(bytes)).toBe(false);
    }
  });

  test('of resultant winds changes with either half of the wind', async () => {
    const path =
      '/api/v1/aggregates.svg?datastream=ha-noi-direction&functions=vectorDirection&lang=en';
    const first = await rig.get(path);
    expect(await first.text()).toContain('>Wind direction, resultant direction daily (°)<');
    const headers = { 'if-none-match': first.headers.get('etag') ?? '' };
    expect((await rig.get(path, headers)).status).toBe(304);
    await rig.publish([rig.row('ha-noi-speed', startAt, { result: 3 })]);
    expect((await rig.get(path, headers)).status).toBe(200);
  });

  test('of what a viewer may not see does not exist for them', async () => {
    const path = '/api/v1/observations.svg?datastream=hidden-temperature';
    expect((await rig.get(path)).status).toBe(404);
    const seen = await rig.get(path, { authorization: `Bearer ${rig.operator}` });
    expect([seen.status, seen.headers.get('cache-control')]).toEqual([200, 'private, max-age=60']);
    const all = await chart('/api/v1/observations.svg?property=air-temperature');
    expect(all.text).not.toContain('hidden');
  });

  test.each([
    ['observations.svg?width=100', 'width'],
    ['observations.png?theme=pink', 'theme'],
    ['observations.svg?lang=fr', 'lang'],
    ['observations.svg?height=200', 'height'],
    ['observations.svg?from=yesterday', 'from'],
    ['observations.svg?order=asc', 'order'],
    ['aggregates.svg?functions=mean,max', 'functions'],
    ['aggregates.png?functions=mode', 'functions'],
    ['aggregates.svg?window=P1W', 'window'],
  ])('is refused by the name of what is wrong: %s', async (path, parameter) => {
    const answer = await rig.get(`/api/v1/${path}`);
    expect([answer.status, await answer.json()]).toEqual([
      400,
      expect.objectContaining({ parameter }),
    ]);
  });

  test('of more rows than may be read, or of more series than can be told apart, is refused', async () => {
    await rig.publish(
      [0, 1].map((step) => rig.row('garden-temperature', startAt + step * 60 * day)),
    );
    const path = '/api/v1/observations.png?datastream=garden-temperature';
    const from = encodeURIComponent(new Date(startAt - day).toISOString());
    expect(await rig.json(`${path}&from=${from}`)).toMatchObject({
      code: 'API_PARAMETER_INVALID',
      parameter: 'from',
    });
    expect((await rig.get(path.replace('.png', '.svg'))).status).toBe(200);
    expect(
      await rig.json('/api/v1/observations.svg', { authorization: `Bearer ${rig.operator}` }),
    ).toMatchObject({
      code: 'API_CHART_TOO_MANY_SERIES',
      seriesMax: 8,
    });
  });

  test('is described, with its type and headers', async () => {
    const { paths } = (await rig.json('/api/v1/openapi.json')) as unknown as {
      paths: Record<
        string,
        { get: { responses: Record<string, { content: object; headers: object }> } }
      >;
    };
    for (const name of [
      'observations.svg',
      'observations.png',
      'aggregates.svg',
      'aggregates.png',
    ]) {
      // Through a proxy, so for somebody who has a quota.
      const answer = await rig.get(`/api/v1/${name}?datastream=hue-rain`, {
        'x-forwarded-for': '192.0.2.1',
      });
      await answer.arrayBuffer();
      const { content = {}, headers = {} } = paths[`/api/v1/${name}`]?.get.responses['200'] ?? {};
      expect(Object.keys(content)).toEqual([answer.headers.get('content-type')?.split(';', 1)[0]]);
      expect(Object.keys(headers).filter((header) => !answer.headers.has(header))).toEqual([]);
      expect(Object.keys(headers)).toContain('ETag');
    }
  });
});

test('when too many are being drawn, the next is told when to come back', async () => {
  const busy = await openTestApi({ config: { chartsQueueMax: 2 } });
  onTestFinished(() => busy.close());
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, index) =>
      busy.get(`/api/v1/observations.png?datastream=hue-rain&width=${300 + index}`),
    ),
  );
  const refused = answers.filter(({ status }) => status === 429);
  expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(2);
  expect(refused.length).toBeGreaterThan(0);
  for (const answer of refused) {
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(await answer.json()).toMatchObject({ code: 'API_TOO_MANY_CHARTS' });
  }
  const after = await busy.get('/api/v1/observations.png?datastream=hue-rain&width=400');
  expect(after.status).toBe(200);
});
