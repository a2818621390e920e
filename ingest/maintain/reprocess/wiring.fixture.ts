import type { Wiring } from './world.fixture.ts';

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
