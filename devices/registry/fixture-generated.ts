import fc from 'fast-check';
import type { RegistryFile } from '../registry-file.ts';

const text = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  .filter((one) => !/[\p{Cc}\ufffd]/u.test(one));
const name = fc.record({ vi: text, en: text });
const visibility = oneOf('open', 'recipients', 'internal');

/** One of these texts, as the type of just these texts. */
function oneOf<const Text extends string>(...texts: readonly Text[]): fc.Arbitrary<Text> {
  return fc.constantFrom(...texts);
}

/** Properties with units that convert to them. */
const measured: readonly (readonly [property: string, units: readonly string[]])[] = [
  ['air-temperature', ['Cel', 'degF', 'K']],
  ['wind-speed', ['m/s', 'mph', 'kn']],
  ['pm2.5', ['µg/m³', 'mg/m3']],
  ['nitrate', ['mg/L', 'mg NO3/L', 'µmol/L']],
  ['turbidity', ['NTU', 'FNU']],
];

/**
 * Right networks of any size: each station has its own datastreams, each datastream one chain of
 * deployments that touch and never overlap, and each channel serves one datastream.
 */
export function generatedNetwork(): fc.Arbitrary<Required<RegistryFile>> {
  const shape = fc.record({
    owners: fc.array(ownerExtras(), { minLength: 1, maxLength: 4 }),
    stations: fc.array(stationExtras(), { maxLength: 5 }),
    series: fc.array(seriesExtras(), { maxLength: 12 }),
    recipients: fc.array(recipientExtras(), { maxLength: 3 }),
    grants: fc.array(grantExtras(), { maxLength: 4 }),
  });
  return shape.map(({ owners, stations, series, recipients, grants }) => {
    const served = stations.length === 0 ? [] : series;
    return {
      format: 'quantrac-registry/1' as const,
      owners: owners.map((extras, index) => ({
        id: `owner-${index}`,
        ...extras,
        ...parentOf(index),
      })),
      stations: stations.map((extras, index) => ({
        id: `station.${index}`,
        owner: `owner-${index % owners.length}`,
        timeZone: 'Asia/Ho_Chi_Minh',
        ...extras,
      })),
      datastreams: served.map(({ datastream, measuring }, index) => ({
        id: `series_${index}`,
        station: `station.${index % stations.length}`,
        property: measured[measuring]?.[0] ?? 'ph',
        slug: `slug-${index}`,
        ...datastream,
      })),
      devices: served.map(({ device }, index) => ({
        id: `Device-${index}`,
        owner: `owner-${index % owners.length}`,
        ...device,
      })),
      deployments: served.flatMap(({ measuring, deployments }, index) =>
        deployments.map((extras, link) => ({
          device: `Device-${index}`,
          datastream: `series_${index}`,
          channel: `channel ${index}`,
          unit: measured[measuring]?.[1][link % 2] ?? 'pH',
          from: monthStart(link),
          ...(link === deployments.length - 1 ? {} : { to: monthStart(link + 1) }),
          ...extras,
        })),
      ),
      recipients: recipients.map((extras, index) => ({
        id: `recipient-${index}`,
        ...extras,
        ...(index === 0 ? {} : { parent: `recipient-${index - 1}` }),
      })),
      grants: grants.map((extras, index) => ({ id: `grant-${index}`, ...extras })),
    };
  });
}

/** A date or an instant: the file may have either. */
function monthStart(month: number): string {
  const padded = String(month + 1).padStart(2, '0');
  return month % 2 === 0 ? `2026-${padded}-01` : `2026-${padded}-01T00:00:00+07:00`;
}

function parentOf(index: number): { parent?: string } {
  return index === 0 ? {} : { parent: `owner-${index - 1}` };
}

function ownerExtras() {
  return fc.record(
    {
      name,
      kind: oneOf('state', 'enterprise', 'community', 'citizen'),
      code: text,
      licence: text,
      attribution: text,
      visibility,
    },
    { requiredKeys: ['name', 'kind'] },
  );
}

function stationExtras() {
  const period = { province: '01', from: '2020-01-01' };
  return fc.record(
    {
      name,
      latitude: fc.double({ min: -90, max: 90, noNaN: true }).map((one) => one + 0),
      longitude: fc.double({ min: -180, max: 180, noNaN: true }).map((one) => one + 0),
      class: oneOf('reference', 'regulatory', 'enterprise', 'indicative', 'citizen'),
      kind: oneOf('weather', 'hydrological', 'air-quality', 'mixed'),
      altitudeMetres: fc.integer({ min: -100, max: 9000 }),
      administrative: fc.array(fc.constant(period), { maxLength: 1 }),
      publicPrecisionMetres: fc.integer({ min: 1, max: 5000 }),
      visibility,
    },
    { requiredKeys: ['name', 'latitude', 'longitude', 'class'] },
  );
}

function recipientExtras() {
  return fc.record(
    { name, kind: oneOf('ministry', 'province', 'enterprise', 'other'), contact: text },
    { requiredKeys: ['name', 'kind'] },
  );
}

/** Of things that need not exist: a request asks for anything. */
function grantExtras() {
  return fc.record(
    {
      applicant: fc.record({ name: text, kind: oneOf('research', 'district'), contact: text }),
      scope: fc.record(
        {
          owners: fc.constant(['owner-0', 'nobody']),
          stations: fc.constant(['station.7']),
          datastreams: fc.constant(['series_0']),
        },
        { requiredKeys: ['owners'] },
      ),
      purpose: text,
      state: fc.constant('requested' as const),
      requestedAt: fc.constant('2026-01-01T00:00:00Z'),
      requestedBy: text,
      deadlineAt: fc.constant('2199-01-01T00:00:00+07:00'),
    },
    { requiredKeys: ['applicant', 'scope', 'purpose', 'state', 'requestedAt', 'requestedBy'] },
  );
}

function seriesExtras() {
  return fc.record({
    measuring: fc.nat(measured.length - 1),
    datastream: fc.record(
      {
        aggregation: oneOf('instant', 'mean', 'sum', 'min', 'max', 'counter'),
        intervalMs: fc.integer({ min: 100, max: 86_400_000 }),
        heightMetres: fc.integer({ min: -50, max: 100 }),
        visibility,
      },
      { requiredKeys: ['aggregation', 'intervalMs'] },
    ),
    device: fc.record({ codec: fc.constantFrom('senml-json', 'csv-row') }, { requiredKeys: [] }),
    deployments: fc.array(
      fc.record(
        {
          factor: fc.double({ min: 0.001, max: 1000, noNaN: true }),
          offset: fc.integer({ min: -100, max: 100 }),
          serial: text,
        },
        { requiredKeys: [] },
      ),
      { minLength: 1, maxLength: 5 },
    ),
  });
}
