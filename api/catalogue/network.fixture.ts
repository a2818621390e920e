/** A network of many owners and every domain, as a registry file, for tests of the catalogue. */
import { observedProperties } from '../../devices/properties/catalogue.ts';
import type { RegistryWriter } from '../../devices/registry.ts';

const provinces = ['01', '22', '31', '46', '48', '56', '66', '79', '92', '96'];

export function importLarge(registry: RegistryWriter, owners: number): void {
  const imported = registry.importFile(largeNetwork(owners), 'test');
  if (!imported.ok) throw new Error(JSON.stringify(imported.problems));
}

/** As many owners as given, each with two stations and one property in three of all domains. */
function largeNetwork(owners: number): object {
  const ids = Array.from({ length: owners }, (_, index) => `so-${index}`);
  const properties = observedProperties.filter((_, index) => index % 3 === 0);
  const stations = ids.flatMap((owner, index) =>
    [0, 1].map((number) => ({
      id: `${owner}-tram-${number}`,
      name: { vi: `Trạm "${index}" & ${number} <thử>`, en: `Station ${index}-${number}` },
      owner,
      latitude: 8.5 + (index % 15) + number / 10,
      longitude: 102.5 + (index % 7) + number / 10,
      timeZone: 'Asia/Ho_Chi_Minh',
      class: 'reference',
      administrative: [{ province: provinces[index % provinces.length], from: '2025-07-01' }],
    })),
  );
  return {
    format: 'quantrac-registry/1',
    owners: ids.map((id, index) => ({
      id,
      name: { vi: `Sở ${index} – Môi trường`, en: `Department ${index}` },
      kind: 'state',
      licence: ['CC-BY-4.0', 'CC0-1.0', 'https://example.org/terms?a=1&b=2'][index % 3],
    })),
    stations,
    datastreams: stations.flatMap((station) =>
      properties.map((property, index) => ({
        id: `${station.id}.${property.id}`,
        station: station.id,
        property: property.id,
        aggregation: 'mean',
        intervalMs: [1_000, 60_000, 600_000, 3_600_000, 86_400_000][index % 5],
        ...(station.id.endsWith('1') && index % 7 === 0 ? { visibility: 'internal' } : {}),
      })),
    ),
    devices: [],
    deployments: [],
  };
}
