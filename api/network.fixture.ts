/** A small network with every visibility, a station of rounded place, a zone of broken hours. */

const minute = 60_000;

function station(id: string, owner: string, more: object = {}): object {
  return {
    id,
    name: { vi: `Trạm ${id}`, en: `Station ${id}` },
    owner,
    latitude: 21.0285,
    longitude: 105.8542,
    timeZone: 'Asia/Ho_Chi_Minh',
    class: 'reference',
    ...more,
  };
}

function datastream(id: string, of: string, property: string, more: object = {}): object {
  return { id, station: of, property, aggregation: 'mean', intervalMs: 10 * minute, ...more };
}

/** A registry file. `mutable` copies are made from it by tests that change the network. */
export const network = {
  format: 'quantrac-registry/1',
  owners: [
    { id: 'agency', name: { vi: 'Sở', en: 'Agency' }, kind: 'state', licence: 'CC-BY-4.0' },
    { id: 'factory', name: { vi: 'Nhà máy', en: 'Factory' }, kind: 'enterprise' },
  ],
  stations: [
    station('ha-noi', 'agency', {
      administrative: [{ province: '01', commune: '00004', from: '2008-08-01' }],
      altitudeMetres: 12,
    }),
    station('hue', 'agency', { latitude: 16.4637, longitude: 107.5909, class: 'indicative' }),
    station('kathmandu', 'agency', {
      latitude: 27.7172,
      longitude: 85.324,
      timeZone: 'Asia/Kathmandu',
    }),
    station('garden', 'factory', {
      latitude: 10.762622,
      longitude: 106.660172,
      publicPrecisionMetres: 1_000,
      class: 'citizen',
    }),
    station('shared', 'factory', { latitude: 10, longitude: 106, visibility: 'recipients' }),
    station('hidden', 'factory', { latitude: 11, longitude: 106, visibility: 'internal' }),
  ],
  datastreams: [
    datastream('garden-temperature', 'garden', 'air-temperature'),
    datastream('ha-noi-direction', 'ha-noi', 'wind-direction', { aggregation: 'instant' }),
    datastream('ha-noi-pm25', 'ha-noi', 'pm2.5', { aggregation: 'mean', intervalMs: 60 * minute }),
    datastream('ha-noi-temperature', 'ha-noi', 'air-temperature'),
    datastream('hidden-temperature', 'hidden', 'air-temperature'),
    datastream('hue-rain', 'hue', 'rainfall', { aggregation: 'sum' }),
    datastream('kathmandu-temperature', 'kathmandu', 'air-temperature'),
    datastream('shared-temperature', 'shared', 'air-temperature'),
  ],
  devices: [
    { id: 'logger', owner: 'agency' },
    { id: 'plant', owner: 'factory' },
  ],
  deployments: [
    {
      device: 'logger',
      datastream: 'ha-noi-temperature',
      channel: 'T',
      from: '2020-01-01T00:00:00Z',
    },
  ],
} as const;
