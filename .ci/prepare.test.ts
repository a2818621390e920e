import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { prepare, type PrepareOptions } from '../compose/prepare.ts';
import { createManualClock } from '../devices/clock-manual.ts';
import { openSystemClock } from '../devices/clock-system.ts';
import { openSystemRandom } from '../devices/random.ts';
import { startChild, type ServerChild } from '../simulators/servers/child.ts';
import { influxAnswers } from '../simulators/servers/influx-setup.ts';
import { installInflux2 } from '../simulators/servers/install.ts';
import { choosePorts } from '../simulators/servers/ports.ts';

const isAsked = process.env['QUANTRAC_SERVERS'] === '1';
const { absent } = inject('realServers');
const clock = openSystemClock();
const random = openSystemRandom();

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-prepare-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** InfluxDB 2.7 as its image starts it: nobody has set it up. */
async function startFresh(): Promise<{ readonly url: string; readonly server: ServerChild }> {
  const folder = makeFolder();
  const [port] = await choosePorts(random, 1);
  const address = `127.0.0.1:${port}`;
  const environment = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('INFLUX')),
  );
  const server = await startChild({
    name: 'InfluxDB 2.7',
    command: await installInflux2({ environment, tell: () => undefined }),
    words: [
      `--http-bind-address=${address}`,
      `--bolt-path=${join(folder, 'influxd.bolt')}`,
      `--engine-path=${join(folder, 'engine')}`,
      `--sqlite-path=${join(folder, 'influxd.sqlite')}`,
      '--reporting-disabled',
    ],
    folder,
    environment,
    logFile: join(folder, 'influxd.log'),
    clock,
    life: 'attached',
    onSpawn: undefined,
    answers: () => influxAnswers(`http://${address}`),
  });
  onTestFinished(() => server.kill());
  return { url: `http://${address}`, server };
}

function optionsFor(
  url: string,
  told: string[] = [],
): PrepareOptions & { readonly told: string[] } {
  const folder = makeFolder();
  for (const name of ['influxdb', 'ingest', 'reading', 'grafana']) mkdirSync(join(folder, name));
  const place = { folder, url, org: 'quantrac', bucket: 'observations' };
  return { ...place, clock, random, tell: (line) => void told.push(line), told };
}

const secretNames = [
  'influxdb/admin-password',
  'influxdb/admin-token',
  'ingest/influx-token',
  'reading/influx-token',
  'grafana/influx-token',
  'grafana/admin-password',
];
const secretsOf = ({ folder }: PrepareOptions): string[] =>
  secretNames.map((name) => readFileSync(join(folder, name), 'utf8'));

async function statusOf(url: string, token: string, path: string, body: string): Promise<number> {
  const answer = await fetch(`${url}/api/v2/${path}`, {
    method: 'POST',
    headers: { authorization: `Token ${token}`, 'content-type': 'application/vnd.flux' },
    body,
  });
  await answer.arrayBuffer();
  return answer.status;
}
const write = (url: string, token: string) =>
  statusOf(url, token, 'write?org=quantrac&bucket=observations', 'probe value=1');
const read = (url: string, token: string) =>
  statusOf(url, token, 'query?org=quantrac', 'from(bucket: "observations") |> range(start: -1h)');
const drop = (url: string, token: string) =>
  statusOf(
    url,
    token,
    'delete?org=quantrac&bucket=observations',
    '{"start":"2020-01-01T00:00:00Z","stop":"2020-01-02T00:00:00Z"}',
  );

describe.skipIf(!isAsked)(
  `the first start: real InfluxDB 2.7${isAsked ? '' : absent || ' (skipped: no server to kill)'}`,
  () => {
    test('makes secrets, and tokens that may do what they must and no more', async () => {
      const { url } = await startFresh();
      const options = optionsFor(url);
      await prepare(options);
      const [password, admin = '', ingest = '', reading = '', grafana = '', ofGrafana] =
        secretsOf(options);
      expect(new Set(secretsOf(options)).size).toBe(secretNames.length);
      expect([password, admin, ofGrafana]).toEqual(
        Array.from({ length: 3 }, () => expect.stringMatching(/^[0-9a-f]{64}$/)),
      );
      expect([await write(url, ingest), await read(url, ingest), await drop(url, ingest)]).toEqual([
        204, 200, 204,
      ]);
      for (const token of [reading, grafana]) {
        expect([await read(url, token), await write(url, token)]).toEqual([200, 403]);
      }
      expect(await statusOf(url, ingest, 'buckets', '{"name":"other"}')).toBeGreaterThanOrEqual(
        400,
      );
      const modes = secretNames.map((name) => statSync(join(options.folder, name)).mode & 0o777);
      expect(modes).toEqual([0o400, 0o400, 0o400, 0o400, 0o444, 0o444]);
      expect(options.told.join('\n')).not.toContain(admin);
    });

    test('changes nothing that is in order, and makes anew what is not', async () => {
      const { url } = await startFresh();
      const options = optionsFor(url);
      await prepare(options);
      const before = secretsOf(options);
      await prepare(options);
      expect(secretsOf(options)).toEqual(before);
      rmSync(join(options.folder, 'ingest/influx-token'));
      writeFileSync(join(options.folder, 'ingest/influx-token'), 'none');
      await prepare(options);
      const after = secretsOf(options);
      expect(after.map((secret, index) => secret === before[index])).toEqual([
        true,
        true,
        false,
        true,
        true,
        true,
      ]);
      expect(await write(url, after[2] ?? '')).toBe(204);
      expect(await write(url, before[2] ?? '')).toBe(401);
    });

    test('sets up a new InfluxDB whose data were lost, with the secrets that are there', async () => {
      const first = await startFresh();
      const options = optionsFor(first.url);
      await prepare(options);
      const before = secretsOf(options);
      await first.server.kill();
      const second = await startFresh();
      await prepare({ ...options, url: second.url });
      const after = secretsOf(options);
      expect([after[0], after[1]]).toEqual([before[0], before[1]]);
      expect(await write(second.url, after[2] ?? '')).toBe(204);
    });

    test('says whose token is missing where somebody else set InfluxDB up', async () => {
      const { url } = await startFresh();
      await prepare(optionsFor(url));
      await expect(prepare(optionsFor(url))).rejects.toThrow(/admin-token: put its own there/);
    });
  },
);

describe('the first start without InfluxDB', () => {
  test('keeps the secrets that it made, and says where nothing answers', async () => {
    const [port] = await choosePorts(random, 1);
    const manual = createManualClock(0);
    const options = { ...optionsFor(`http://127.0.0.1:${port}`), clock: manual, waitMsMax: -1 };
    await expect(prepare(options)).rejects.toThrow(`InfluxDB does not answer at ${options.url}`);
    const password = readFileSync(join(options.folder, 'influxdb/admin-password'), 'utf8');
    await expect(prepare(options)).rejects.toThrow('does not answer');
    expect(readFileSync(join(options.folder, 'influxdb/admin-password'), 'utf8')).toBe(password);
  });
});
