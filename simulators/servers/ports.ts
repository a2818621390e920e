import { createServer } from 'node:net';
import type { Random } from '../../devices/random.ts';

/**
 * Below the range from which systems give ports to connections that go out (RFC 6335: from 49,152;
 * Linux: from 32,768). A port of that range may be somebody's own end of a connection when a killed server
 * comes back for it, and a client that keeps trying it may even meet itself.
 */
const portMin = 15_000;
const portMax = 32_000;
const triesMax = 200;

/** Different ports of the loopback address that nobody listens on. */
export async function choosePorts(random: Random, count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let tries = 0; ports.length < count; tries += 1) {
    if (tries === triesMax) throw new Error(`no ${count} free ports from ${portMin} to ${portMax}`);
    const port = portMin + Math.floor(random.next() * (portMax - portMin));
    if (!ports.includes(port) && (await isFree(port))) ports.push(port);
  }
  return ports;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () =>
      server.close(() => resolve(true)),
    );
  });
}
