/**
 * All readers of a flood in a process of their own, so that reading what they are sent does not stand
 * in the way of those that are measured. Told what to do as arguments; says its tally as a JSON line
 * each second, and ends with standard input.
 */
import { setPriority } from 'node:os';
import { parseArgs } from 'node:util';

import { openSystemClock } from '../../../devices/clock-system.ts';
import { createSeededRandom } from '../../../devices/random.ts';
import { Latencies } from '../../load/latency.ts';
import { openReader, type Reader, type Tally } from './reader.ts';

const { values: flags } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    readers: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    'ramp-seconds': { type: 'string', default: '10' },
  },
});

const clock = openSystemClock();
const random = createSeededRandom(Number(flags.seed));
const tally: Tally = {
  served: 0,
  notModified: 0,
  told: 0,
  failed: 0,
  bytes: 0,
  events: 0,
  following: 0,
  problems: new Map(),
  latencies: new Latencies(),
};
const readersMax = Number(flags.readers);
const port = Number(flags.port);
const openEveryMs = 50;
const perOpening = (readersMax * openEveryMs) / (Number(flags['ramp-seconds']) * 1_000);
const readers: Reader[] = [];
/** A few addresses of networks that hide many readers each. */
const networks = 5;
/** Of 127.0.0.0/8: no one may hold all connections. */
const localAddresses = 10;
const areas = 60;

/** In ten readers: one of the whole network, seven of an area, one of a page, one follower. */
function pathOf(index: number): { readonly path: string; readonly follows: boolean } {
  const kind = index % 10;
  const area = Math.floor(random.next() * areas);
  const west = 102.5 + (area % 10) * 0.1;
  const south = 8.5 + Math.floor(area / 10) * 2;
  const box = `bbox=${west.toFixed(1)},${south.toFixed(1)},${(west + 0.1).toFixed(1)},${(south + 2).toFixed(1)}`;
  if (kind === 0) return { path: '/api/v1/latest', follows: false };
  if (kind === 1) return { path: `/api/v1/live?after=now&${box}`, follows: true };
  if (kind === 2)
    return { path: index % 20 === 2 ? '/' : '/api/v1/stations.geojson', follows: false };
  return { path: `/api/v1/latest?${box}`, follows: false };
}

function openSome(): void {
  const wanted = Math.min(readersMax, readers.length + Math.ceil(perOpening));
  while (readers.length < wanted) {
    const index = readers.length;
    readers.push(
      openReader({
        ...pathOf(index),
        port,
        localAddress: `127.0.0.${2 + (index % localAddresses)}`,
        // Of each kind of reader some: what a kind may take is shared out among addresses.
        client: `203.0.113.${1 + (Math.floor(index / 10) % networks)}`,
        clock,
        random,
        tally,
      }),
    );
  }
  if (readers.length < readersMax) clock.schedule(openEveryMs, openSome);
}

function tell(): void {
  const { problems, latencies, ...counts } = tally;
  const line = {
    ...counts,
    readers: readers.length,
    problems: Object.fromEntries(problems),
    p50Ms: latencies.percentile(0.5),
    p99Ms: latencies.percentile(0.99),
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
  clock.schedule(1_000, tell);
}

// What the machine spends on being ten thousand readers must not be taken from the server.
setPriority(10);
process.stdin.once('end', () => process.exit(0)).resume();
openSome();
tell();
