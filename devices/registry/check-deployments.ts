import type { DevicesErrorCode } from '../errors.ts';
import type { FileDeployment } from '../registry-file.ts';
import { checkReference } from './check-entries.ts';
import type { CheckedFile } from './checked.ts';
import type { At, Placed } from './parse.ts';
import type { Place, Problems } from './problems.ts';

export function checkDeployments(checked: CheckedFile, problems: Problems): void {
  const wrong = new Set<string>();
  for (const placed of checked.parsed.entries.deployment) {
    if (!checkDeployment(checked, placed, problems)) wrong.add(placed.key);
  }
  for (const spoilt of checked.parsed.spoilt.deployment) checkSpoilt(checked, spoilt, problems);
  checkOverlaps(checked, problems, wrong);
}

/** Of a deployment in wrong form, what its right members name. */
function checkSpoilt(
  checked: CheckedFile,
  { entry, place }: At<Partial<FileDeployment>>,
  problems: Problems,
): void {
  const { device, datastream, unit, from, to } = entry;
  checkReference(checked, problems, [...place, 'device'], ['device', device]);
  checkReference(checked, problems, [...place, 'datastream'], ['datastream', datastream]);
  if (datastream === undefined) return;
  if (unit !== undefined) checkUnit(checked, { entry: { datastream, unit }, place }, problems);
  if (from !== undefined) {
    checkPeriod(checked, { entry: { datastream, from, ...(to && { to }) }, place }, problems);
  }
}

/** One deployment by itself; false when its period cannot be compared with others. */
function checkDeployment(
  checked: CheckedFile,
  { entry, place }: Placed<FileDeployment>,
  problems: Problems,
): boolean {
  checkReference(checked, problems, [...place, 'device'], ['device', entry.device]);
  checkReference(checked, problems, [...place, 'datastream'], ['datastream', entry.datastream]);
  checkUnit(checked, { entry, place }, problems);
  return checkPeriod(checked, { entry, place }, problems);
}

function checkPeriod(
  checked: CheckedFile,
  { entry, place }: At<Pick<FileDeployment, 'datastream' | 'from' | 'to'>>,
  problems: Problems,
): boolean {
  const period = periodOf(checked, entry);
  if (period === undefined) return false;
  if (period.toAt < period.fromAt) {
    problems.add([...place, 'to'], 'DEVICES_PERIOD', '`to` must not be before `from`');
    return false;
  }
  return true;
}

function checkUnit(
  checked: CheckedFile,
  { entry, place }: At<Pick<FileDeployment, 'datastream' | 'unit'>>,
  problems: Problems,
): void {
  const datastream = checked.merged.datastream.get(entry.datastream);
  const property = checked.against.properties.get(datastream?.property ?? '');
  if (property === undefined) return;
  const conversion = checked.against.units.conversionTo(property, entry.unit);
  if (!conversion.ok) problems.add([...place, 'unit'], conversion.code, conversion.detail);
}

interface Period {
  readonly fromAt: number;
  readonly toAt: number;
}

/** In the time of the station served; undefined when its zone is not known. */
function periodOf(
  checked: CheckedFile,
  entry: Pick<FileDeployment, 'datastream' | 'from' | 'to'>,
): Period | undefined {
  const { merged, against } = checked;
  const station = merged.station.get(merged.datastream.get(entry.datastream)?.station ?? '');
  const zone = station?.timeZone ?? 'UTC';
  const fromAt = against.zones.instantOf(entry.from, zone);
  const toAt =
    entry.to === undefined ? Number.POSITIVE_INFINITY : against.zones.instantOf(entry.to, zone);
  return fromAt === undefined || toAt === undefined ? undefined : { fromAt, toAt };
}

interface Served extends Period {
  readonly entry: FileDeployment;
  /** Where it stands in the file; undefined for one that only the registry has. */
  readonly place: Place | undefined;
}

/** Every overlap in a channel or a datastream that the file touches. */
function checkOverlaps(checked: CheckedFile, problems: Problems, wrong: ReadonlySet<string>): void {
  const places = new Map<string, Place>();
  const touched = new Set<string>();
  for (const { key, place, entry } of checked.parsed.entries.deployment) {
    places.set(key, place);
    touched.add(channelKey(entry)).add(datastreamKey(entry));
  }
  const groups = new Map<string, Served[]>();
  for (const [key, entry] of checked.merged.deployment) {
    if (wrong.has(key)) continue;
    for (const groupKey of [channelKey(entry), datastreamKey(entry)]) {
      if (!touched.has(groupKey)) continue;
      const period = periodOf(checked, entry);
      if (period === undefined || period.toAt === period.fromAt) continue;
      const served: Served = { ...period, entry, place: places.get(key) };
      const group = groups.get(groupKey);
      if (group === undefined) groups.set(groupKey, [served]);
      else group.push(served);
    }
  }
  for (const [groupKey, group] of groups) {
    const ofChannel = groupKey.startsWith('channel');
    checkGroup(
      group,
      problems,
      ofChannel ? 'DEVICES_CHANNEL_OVERLAP' : 'DEVICES_DATASTREAM_OVERLAP',
    );
  }
}

/** In order of beginning, each against the one before it that lasts longest. */
function checkGroup(group: Served[], problems: Problems, code: DevicesErrorCode): void {
  group.sort((left, right) => left.fromAt - right.fromAt);
  let longest: Served | undefined;
  for (const served of group) {
    if (longest !== undefined && served.fromAt < longest.toAt) {
      const [at, other] = served.place === undefined ? [longest, served] : [served, longest];
      if (at.place !== undefined) problems.add(at.place, code, overlapText(at, other));
    }
    if (longest === undefined || served.toAt > longest.toAt) longest = served;
  }
}

function overlapText(at: Served, other: Served): string {
  const { device, channel, datastream, from, to } = other.entry;
  const where = other.place === undefined ? 'in the registry' : `at /${other.place.join('/')}`;
  return (
    `${at.entry.device} ${at.entry.channel} → ${at.entry.datastream} overlaps ` +
    `${device} ${channel} → ${datastream} (${from} to ${to ?? 'open'}) ${where}`
  );
}

function channelKey(entry: FileDeployment): string {
  return `channel ${entry.device} ${entry.channel}`;
}

function datastreamKey(entry: FileDeployment): string {
  return `datastream ${entry.datastream}`;
}
