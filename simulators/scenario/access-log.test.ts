/** The access log over a whole server: what a key counted at two doors is in it after a stop in order. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { expect, onTestFinished, test } from 'vitest';
import { runCommand, startServerProcess, type ServerPorts } from './server-process.ts';

interface Counted {
  rows: number;
}

async function followByMqtt(port: number, password: string, filter: string): Promise<Counted> {
  const login = { username: 'token', password, reconnectPeriod: 0 };
  const client = await connectAsync(`mqtt://127.0.0.1:${port}`, login);
  onTestFinished(() => void client.end(true));
  const counted = { rows: 0 };
  client.on('message', (_topic, payload) => {
    if (!/"type":"(cursor|problem)"/.test(payload.toString())) counted.rows += 1;
  });
  await client.subscribeAsync(filter);
  return counted;
}

async function followByEvents(port: number, key: string): Promise<Counted> {
  const headers = { authorization: `Bearer ${key}` };
  const answer = await fetch(`http://127.0.0.1:${port}/api/v1/live`, { headers });
  const counted = { rows: 0 };
  const read = async (): Promise<void> => {
    let rest = '';
    for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) {
      const blocks = (rest + chunk).split('\n\n');
      rest = blocks.pop() ?? '';
      counted.rows += blocks.filter((block) => block.startsWith('event: change\n')).length;
    }
  };
  // The server ends it.
  read().catch(() => undefined);
  return counted;
}

async function tokenOf(dataDir: string, role: string): Promise<string> {
  const words = ['token', 'create', '--role', role, '--data-dir', dataDir];
  const { stdout } = await runCommand(words);
  return (JSON.parse(stdout) as { readonly secret: string }).secret;
}

async function loggedRows({ httpPort }: ServerPorts, operator: string) {
  const url = `http://127.0.0.1:${httpPort}/api/v1/admin/access-log?format=ndjson`;
  const answer = await fetch(url, { headers: { authorization: `Bearer ${operator}` } });
  const lines = (await answer.text()).trimEnd().split('\n').slice(0, -1);
  const rows = lines.map((line) => JSON.parse(line) as Record<string, string | number>);
  return (path: string) => {
    const of = rows.filter((row) => row['path'] === path);
    const sum = (column: string) => of.reduce((all, row) => all + Number(row[column]), 0);
    return { parts: of.length, rows: sum('rows'), requests: sum('requests') };
  };
}

test('what a key counted is in the log after a stop in order, part by part', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-access-log-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const config = join(folder, 'config.json');
  writeFileSync(config, JSON.stringify({ api: { accessLogEveryMs: 300 } }));
  const dataDir = join(folder, 'data');
  const first = await startServerProcess({ dataDir, flags: ['--demo', '--config', config] });
  onTestFinished(() => first.kill());
  const [reader, operator] = [await tokenOf(dataDir, 'reader'), await tokenOf(dataDir, 'operator')];
  const { mqttPort, httpPort } = first.ports;
  const latest = await followByMqtt(mqttPort, reader, 'open/v1/#');
  const changes = await followByMqtt(mqttPort, reader, 'open/v1/_changes/#');
  const events = await followByEvents(httpPort, reader);
  const counts = [latest, changes, events];
  await expect.poll(() => Math.min(...counts.map(({ rows }) => rows))).toBeGreaterThan(50);
  expect(await first.stop()).toBe(0);
  const second = await startServerProcess({ dataDir });
  onTestFinished(() => second.kill());
  const logged = await loggedRows(second.ports, operator);
  for (const [path, counted] of [
    ['open/v1/{stationId}/{slug}', latest],
    ['open/v1/_changes/{stationId}/{slug}', changes],
    ['/api/v1/live', events],
  ] as const) {
    expect([path, logged(path)]).toMatchObject([path, { rows: counted.rows, requests: 1 }]);
    expect(logged(path).parts).toBeGreaterThan(1);
  }
});
