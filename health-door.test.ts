import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openHealthDoor, type HealthDoor, type HealthParts } from './health-door.ts';
import type { Room } from './open-room.ts';
import type { NamedRoom } from './server-cluster.ts';

function roomOf(name: NamedRoom['name'], answers: Readonly<Record<string, unknown>>): NamedRoom {
  const room: Room = {
    ready: Promise.resolve(),
    ended: new Promise(() => undefined),
    call: async (asked) => answers[asked],
    close: async () => undefined,
  };
  return { name, room };
}

interface Health {
  readonly room: string;
  readonly isReady: boolean;
  readonly reasons: readonly string[];
}

const ready: Health = { room: 'broker', isReady: true, reasons: [] };
const waiting: Health = {
  room: 'ingest',
  isReady: false,
  reasons: ['the cluster is not reached yet'],
};

function partsOf(...states: readonly Health[]): HealthParts {
  return {
    rooms: states.map((health, index) =>
      roomOf('link', { health, metrics: `# TYPE lag gauge\nlag{room="${index}"} 1\n` }),
    ),
    processMetrics: async () => '# TYPE memory gauge\nmemory 5\n',
  };
}

async function open(parts: HealthParts, metricsPort?: number): Promise<HealthDoor> {
  const api = metricsPort === undefined ? {} : { metricsPort };
  const door = await openHealthDoor({ host: '127.0.0.1', httpPort: 0, api }, parts);
  onTestFinished(() => door.close());
  return door;
}

const ask = (port: number | undefined, path: string, headers: Record<string, string> = {}) =>
  fetch(`http://127.0.0.1:${port}${path}`, { headers });

async function occupy(): Promise<number> {
  const other: Server = createServer();
  await new Promise<void>((resolve) => void other.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void other.close());
  return (other.address() as AddressInfo).port;
}

describe('the health door of a node without api', () => {
  test('is ready when every room is, and names the reasons when one is not', async () => {
    const well = await open(partsOf(ready));
    expect((await ask(well.httpPort, '/livez')).status).toBe(200);
    expect((await ask(well.httpPort, '/readyz')).status).toBe(200);
    const ill = await open(partsOf(ready, waiting));
    const answer = await ask(ill.httpPort, '/readyz');
    expect(answer.status).toBe(503);
    expect(await answer.text()).toContain('the cluster is not reached yet');
    expect((await ask(ill.httpPort, '/livez')).status).toBe(200);
  });

  test('gives the metrics of process and rooms as one text, each metric once', async () => {
    const { httpPort } = await open(partsOf(ready, waiting));
    expect(await (await ask(httpPort, '/metrics')).text()).toBe(
      '# TYPE memory gauge\nmemory 5\n# TYPE lag gauge\nlag{room="0"} 1\nlag{room="1"} 1\n',
    );
  });

  test('answers what a room cannot say as an error of its own, and goes on', async () => {
    const silent: Room = {
      ready: Promise.resolve(),
      ended: new Promise(() => undefined),
      call: () => Promise.reject(new Error('the thread has ended')),
      close: async () => undefined,
    };
    const rooms: NamedRoom[] = [{ name: 'decide', room: silent }];
    const { httpPort } = await open({ ...partsOf(), rooms });
    for (const path of ['/readyz', '/metrics']) {
      const answer = await ask(httpPort, path);
      expect(answer.status).toBe(500);
      expect(await answer.json()).toContain('the thread has ended');
    }
    expect((await ask(httpPort, '/livez')).status).toBe(200);
    expect((await ask(httpPort, '/api/v1/latest')).status).toBe(404);
  });

  test('gives no metrics to those for whom a proxy on this machine asks', async () => {
    const { httpPort } = await open(partsOf(ready));
    const headers = { 'x-forwarded-for': '203.0.113.5' };
    expect((await ask(httpPort, '/metrics', headers)).status).toBe(404);
  });

  test('has a port for metrics alone where it is asked for', async () => {
    const { metricsPort } = await open(partsOf(ready), 0);
    const headers = { 'x-forwarded-for': '203.0.113.5' };
    expect((await ask(metricsPort, '/metrics', headers)).status).toBe(200);
    expect((await ask(metricsPort, '/readyz')).status).toBe(404);
  });

  test('names the key of the port that is in use, and leaves nothing open', async () => {
    const taken = await occupy();
    await expect(open(partsOf(ready), taken)).rejects.toMatchObject({
      code: 'START_PORT_IN_USE',
      fields: { key: 'api.metricsPort', port: taken },
    });
  });
});
