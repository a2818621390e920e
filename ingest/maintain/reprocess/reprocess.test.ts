import { expect, onTestFinished, test } from 'vitest';
import { messagesOf, openWorld, type Wiring, type World } from './world.fixture.ts';

const always = '2020-01-01T00:00:00Z';
const never = { from: always, to: always };

/** The unit of `ta`, and `rh` and `pm` exchanged; `extra` unmapped; the codec of `strange`. */
const codec = {
  id: 'codec',
  station: 'ha-noi',
  property: 'water-level',
  slug: 'codec',
  aggregation: 'instant',
  intervalMs: 600_000,
};

const wrong: Wiring = {
  datastreams: [codec],
  devices: [{ id: 'strange', owner: 'agency', codec: 'quantrac-json' }],
  deployments: [
    { device: 'logger', datastream: 't', channel: 'ta', unit: '[degF]', from: always },
    { device: 'logger', datastream: 'rh', channel: 'rh', ...never },
    { device: 'logger', datastream: 'pm', channel: 'pm', ...never },
    { device: 'logger', datastream: 'rh', channel: 'pm', from: always },
    { device: 'logger', datastream: 'pm', channel: 'rh', from: always },
    { device: 'gauge', datastream: 'rain', channel: 'rain', factor: 2, from: always },
  ],
};
const right: Wiring = {
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

async function world(): Promise<World> {
  const opened = await openWorld();
  onTestFinished(() => opened.close());
  return opened;
}

test.each([1, 2, 3])(
  'a corrected registry gives what it had given from the beginning (seed %i)',
  async (seed) => {
    const messages = messagesOf(seed, 400);
    const ideal = await world();
    await ideal.wire(right);
    await ideal.send(messages);
    const real = await world();
    await real.wire(wrong);
    await real.send(messages.slice(0, 300));
    await real.wire(right);
    await real.send(messages.slice(300));
    expect(real.all()).not.toEqual(ideal.all());
    const { report } = await real.run();
    expect(report.told).toBeGreaterThan(0);
    expect(real.all()).toEqual(ideal.all());
    expect((await real.run()).findings).toMatchObject({ differences: 0, readingsRequeued: 0 });
  },
);
