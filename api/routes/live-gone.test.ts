import { connect, type AddressInfo, type Socket } from 'node:net';

import { expect, onTestFinished, test } from 'vitest';

import { openSystemClock } from '../../devices/clock-system.ts';
import { createRecordedTelemetry } from '../../devices/telemetry-silent.ts';
import { apiConfig } from '../config.ts';
import type { ApiContext } from '../context.ts';
import { createApiEvents } from '../events.ts';
import { oneSeries } from '../../ingest/feed/batch.fixture.ts';
import { createNetworks } from '../network.ts';
import { createServer } from '../server.ts';
import { addLive } from './live.ts';

test('who has gone while the place was looked for is kept nowhere', async () => {
  const clock = openSystemClock();
  const config = apiConfig.parse({ host: '127.0.0.1', httpPort: 0 });
  const events = createApiEvents(createRecordedTelemetry());
  const app = await createServer({ config, clock, events, pair: null });
  onTestFinished(() => app.close());
  const asked = Promise.withResolvers<void>();
  const found = Promise.withResolvers<{ position: number; index: number }>();
  let isTaken = false;
  addLive(app, {
    config,
    networks: createNetworks({ current: () => oneSeries }),
    select: () => [],
    registry: { authenticateToken: () => undefined, tokenOf: () => undefined },
    places: {
      read() {
        asked.resolve();
        return found.promise;
      },
      cursorOf: () => 'cursor',
    },
    hub: {
      get hasRoom() {
        isTaken = true;
        return true;
      },
      connect: () => () => undefined,
    },
  } as unknown as ApiContext);
  await app.listen({ host: '127.0.0.1', port: 0 });
  const gone = new Promise<void>((resolve) => {
    app.server.once('connection', (socket: Socket) => socket.once('close', () => resolve()));
  });
  const client = connect((app.server.address() as AddressInfo).port, '127.0.0.1');
  client.write('GET /live?after=cursor HTTP/1.1\r\nhost: x\r\n\r\n');
  await asked.promise;
  client.destroy();
  await gone;
  found.resolve({ position: 1, index: 0 });
  await new Promise((resolve) => setImmediate(resolve));
  expect(isTaken).toBe(false);
});
