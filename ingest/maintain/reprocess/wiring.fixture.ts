import { onTestFinished } from 'vitest';
import type { Reading } from '../../reading.ts';
import { openWorld, type Wiring, type World } from './world.fixture.ts';

const always = '2020-01-01T00:00:00Z';
const never = { from: always, to: always };
const codec = {
  id: 'codec',
  station: 'ha-noi',
  property: 'water-level',
  slug: 'codec',
  aggregation: 'instant',
  intervalMs: 600_000,
};

/** The unit of `ta`; `rh` and `pm` exchanged; `extra` unmapped; a factor; the codec of `strange`. */
export const wrong: Wiring = {
  datastreams: [codec],
  devices: [{ id: 'strange', owner: 'agency', codec: 'json' }],
  deployments: [
    { device: 'logger', datastream: 't', channel: 'ta', unit: '[degF]', from: always },
    { device: 'logger', datastream: 'rh', channel: 'rh', ...never },
    { device: 'logger', datastream: 'pm', channel: 'pm', ...never },
    { device: 'logger', datastream: 'rh', channel: 'pm', from: always },
    { device: 'logger', datastream: 'pm', channel: 'rh', from: always },
    { device: 'gauge', datastream: 'rain', channel: 'rain', factor: 2, from: always },
  ],
};

export const right: Wiring = {
  datastreams: [codec],
  devices: [{ id: 'strange', owner: 'agency', codec: 'senml-json' }],
  deployments: [
    { device: 'logger', datastream: 't', channel: 'ta', unit: 'Cel', from: always },
    { device: 'logger', datastream: 'rh', channel: 'pm', ...never },
    { device: 'logger', datastream: 'pm', channel: 'rh', ...never },
    { device: 'logger', datastream: 'rh', channel: 'rh', from: always },
    { device: 'logger', datastream: 'pm', channel: 'pm', from: always },
    { device: 'logger', datastream: 'spare', channel: 'extra', from: always },
    { device: 'gauge', datastream: 'rain', channel: 'rain', factor: 1, from: always },
    { device: 'strange', datastream: 'codec', channel: 'x', from: always },
  ],
};

export async function world(): Promise<World> {
  const opened = await openWorld();
  onTestFinished(() => opened.close());
  return opened;
}

/** What the registry's right version makes of the messages from the beginning. */
export async function idealOf(
  messages: readonly Partial<Reading>[],
): Promise<Record<string, string[]>> {
  return (await idealWorld(messages)).all();
}

export async function idealWorld(messages: readonly Partial<Reading>[]): Promise<World> {
  const ideal = await world();
  await ideal.wire(right);
  await ideal.send(messages);
  return ideal;
}

/** A world that was wired wrongly for most of the messages. */
export async function corrected(messages: readonly Partial<Reading>[]): Promise<World> {
  const real = await world();
  const wrongly = Math.floor(messages.length * 0.7);
  await real.wire(wrong);
  await real.send(messages.slice(0, wrongly));
  await real.wire(right);
  await real.send(messages.slice(wrongly));
  return real;
}

/** What is found where nothing differs. */
export const clean = { differences: 0, readingsRequeued: 0, steps: 0 };
