import { mergerDate, provinceHolds } from '../administrative.ts';
import type { FileStation } from '../registry-file.ts';
import type { CheckedFile } from './checked.ts';
import type { At } from './parse.ts';
import type { Place, Problems } from './problems.ts';
import { listOf, type RecordKind } from './records.ts';

export function checkOwners(checked: CheckedFile, problems: Problems): void {
  const parentOf = (id: string) => checked.merged.owner.get(id)?.parent;
  const { entries, spoilt } = checked.parsed;
  for (const { entry, place } of [...entries.owner, ...spoilt.owner]) {
    if (entry.parent === undefined) continue;
    if (!checkReference(checked, problems, [...place, 'parent'], ['owner', entry.parent])) continue;
    if (entry.id !== undefined && leadsBack(entry.id, parentOf)) {
      problems.add(
        [...place, 'parent'],
        'DEVICES_REFERENCE_CYCLE',
        `${entry.id} would be its own parent body`,
      );
    }
  }
}

export function checkStations(checked: CheckedFile, problems: Problems): void {
  const { entries, spoilt } = checked.parsed;
  for (const { entry, place } of [...entries.station, ...spoilt.station]) {
    checkReference(checked, problems, [...place, 'owner'], ['owner', entry.owner]);
    const { timeZone, administrative = [] } = entry;
    if (timeZone === undefined) continue;
    if (!checked.against.zones.isZone(timeZone)) {
      problems.add(
        [...place, 'timeZone'],
        'DEVICES_TIME_ZONE',
        `"${timeZone}" is not an IANA zone such as Asia/Ho_Chi_Minh`,
      );
    } else {
      checkAdministrative(checked, { place, entry: { timeZone, administrative } }, problems);
    }
  }
}

/** Periods in which the station lay in a province: each right, none overlapping another. */
function checkAdministrative(
  checked: CheckedFile,
  { entry, place }: At<Required<Pick<FileStation, 'timeZone' | 'administrative'>>>,
  problems: Problems,
): void {
  const { zones } = checked.against;
  const mergerAt = zones.instantOf(mergerDate, entry.timeZone) ?? 0;
  const earlier: { readonly fromAt: number; readonly toAt: number; readonly index: number }[] = [];
  for (const [index, period] of entry.administrative.entries()) {
    const at: Place = [...place, 'administrative', index];
    const fromAt = zones.instantOf(period.from, entry.timeZone) ?? 0;
    const toAt =
      (period.to === undefined ? undefined : zones.instantOf(period.to, entry.timeZone)) ??
      Number.POSITIVE_INFINITY;
    if (toAt <= fromAt) {
      problems.add([...at, 'to'], 'DEVICES_PERIOD', '`to` must be after `from`');
      continue;
    }
    const other = earlier.find((one) => fromAt < one.toAt && one.fromAt < toAt);
    if (other !== undefined) {
      problems.add(at, 'DEVICES_PERIOD', `overlaps the period at index ${other.index}`);
    }
    earlier.push({ fromAt, toAt, index });
    const holds = provinceHolds(period.province, {
      beforeMerger: fromAt < mergerAt,
      afterMerger: toAt > mergerAt,
    });
    if (!holds) {
      problems.add(
        [...at, 'province'],
        'DEVICES_PROVINCE',
        `"${period.province}" is not one province from ${period.from} to ${period.to ?? 'now'}`,
      );
    }
  }
}

export function checkDatastreams(checked: CheckedFile, problems: Problems): void {
  const { records, properties } = checked.against;
  const { entries, spoilt } = checked.parsed;
  for (const { entry, place } of [...entries.datastream, ...spoilt.datastream]) {
    checkReference(checked, problems, [...place, 'station'], ['station', entry.station]);
    if (entry.property !== undefined && !properties.has(entry.property)) {
      problems.add(
        [...place, 'property'],
        'DEVICES_REFERENCE_UNKNOWN',
        `there is no observed property "${entry.property}"`,
      );
    }
    const before = records.datastream.get(entry.id ?? '');
    for (const key of ['station', 'property', 'aggregation'] as const) {
      if (before === undefined || entry[key] === undefined || before[key] === entry[key]) continue;
      problems.add(
        [...place, key],
        'DEVICES_IDENTITY_CHANGED',
        `was ${before[key]}; a datastream's ${key} never changes`,
      );
    }
  }
  checkSlugs(checked, problems);
}

function checkSlugs(checked: CheckedFile, problems: Problems): void {
  const places = new Map(checked.parsed.entries.datastream.map(({ key, place }) => [key, place]));
  const holders = new Map<string, string>();
  for (const datastream of checked.merged.datastream.values()) {
    const slug = datastream.slug ?? datastream.property;
    const key = `${datastream.station}/${slug}`;
    const holder = holders.get(key);
    if (holder === undefined) {
      holders.set(key, datastream.id);
      continue;
    }
    const place = places.get(datastream.id) ?? places.get(holder);
    if (place === undefined) continue;
    problems.add(
      datastream.slug === undefined ? place : [...place, 'slug'],
      'DEVICES_SLUG_DUPLICATE',
      `slug "${slug}" of station ${datastream.station} is that of both ${holder} and ${datastream.id}`,
    );
  }
}

export function checkDevices(checked: CheckedFile, problems: Problems): void {
  const { codecs, tokenIds } = checked.against;
  const gatewayOf = (id: string) => checked.merged.device.get(id)?.gateway;
  const { entries, spoilt } = checked.parsed;
  for (const { entry, place } of [...entries.device, ...spoilt.device]) {
    checkReference(checked, problems, [...place, 'owner'], ['owner', entry.owner]);
    if (entry.id !== undefined && tokenIds.has(entry.id)) {
      problems.add([...place, 'id'], 'DEVICES_ID_TAKEN', `"${entry.id}" is the id of a token`);
    }
    if (entry.codec !== undefined && codecs !== undefined && !codecs.has(entry.codec)) {
      const accepted = [...codecs].toSorted().join(', ');
      problems.add([...place, 'codec'], 'DEVICES_CODEC_UNKNOWN', `accepted are ${accepted}`);
    }
    if (entry.gateway === undefined) continue;
    if (!checkReference(checked, problems, [...place, 'gateway'], ['device', entry.gateway]))
      continue;
    if (entry.id !== undefined && leadsBack(entry.id, gatewayOf)) {
      problems.add(
        [...place, 'gateway'],
        'DEVICES_REFERENCE_CYCLE',
        `${entry.id} would be its own gateway`,
      );
    }
  }
  checkClientIds(checked, problems);
}

/** Two devices of one client id would throw each other out of the broker for ever. */
function checkClientIds(checked: CheckedFile, problems: Problems): void {
  const places = new Map(checked.parsed.entries.device.map(({ key, place }) => [key, place]));
  const holders = new Map<string, string>();
  for (const device of checked.merged.device.values()) {
    if (device.clientId === undefined) continue;
    const holder = holders.get(device.clientId);
    if (holder === undefined) {
      holders.set(device.clientId, device.id);
      continue;
    }
    const place = places.get(device.id) ?? places.get(holder);
    if (place === undefined) continue;
    problems.add(
      [...place, 'clientId'],
      'DEVICES_ID_TAKEN',
      `client id "${device.clientId}" is that of both ${holder} and ${device.id}`,
    );
  }
}

/** Adds a problem and answers false when nothing of that kind and id exists. No id: nothing to say. */
export function checkReference(
  checked: CheckedFile,
  problems: Problems,
  place: Place,
  [kind, id]: readonly [RecordKind, string | undefined],
): boolean {
  if (id === undefined || checked.isKnown(kind, id)) return true;
  problems.add(
    place,
    'DEVICES_REFERENCE_UNKNOWN',
    `there is no ${kind} "${id}" in /${listOf[kind]} or in the registry`,
  );
  return false;
}

/** Whether following `next` from `start` comes to `start` again. */
export function leadsBack(start: string, next: (id: string) => string | undefined): boolean {
  const passed = new Set<string>();
  for (let id = next(start); id !== undefined && !passed.has(id); id = next(id)) {
    if (id === start) return true;
    passed.add(id);
  }
  return false;
}
