import { createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createSeededRandom, openSystemRandom } from '../../devices/random.ts';
import { choosePorts } from './ports.ts';

test('ports differ and lie below those that systems give to connections going out', async () => {
  const ports = await choosePorts(openSystemRandom(), 20);
  expect(new Set(ports).size).toBe(20);
  expect(Math.max(...ports)).toBeLessThan(32_768);
});

test('a port that is taken is not chosen', async () => {
  const [taken = 0] = await choosePorts(createSeededRandom(7), 1);
  const server = createServer().listen(taken, '127.0.0.1');
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  expect(await choosePorts(createSeededRandom(7), 1)).not.toContain(taken);
});
