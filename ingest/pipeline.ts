/**
 * The way of one reading: identify → decode → normalise → check and keep. Whatever happens to it, it
 * ends as observations, as control, or in quarantine with a code, and is counted there; one that
 * fails stops no other (design.md §3.2 and §4).
 */
import { decodeMessage } from '../devices/codecs/decode-message.ts';
import type { DecodedMeasurement, DecodeLimits } from '../devices/codecs/codec.ts';
import type { ChannelBinding } from '../devices/registry.ts';
import type { Decider } from './decide/decider.ts';
import { RowsLacking } from './decide/old-rows.ts';
import { createSender, type Sender } from './decide/rows.ts';
import type { Directory, Served } from './directory.ts';
import { isOfMachine } from './errors.ts';
import type { IngestEvents } from './events.ts';
import type { Candidate, Normaliser } from './normalise/measurement.ts';
import type { Fault } from './quarantine.ts';
import type { Position } from './log/log.ts';
import type { LoggedReading } from './reading-codec.ts';
import type { SeriesDays } from './store/horizon.ts';

export interface PipelineParts {
  readonly directory: Directory;
  readonly limits: DecodeLimits;
  readonly normaliser: Normaliser;
  readonly decider: Decider;
  readonly events: IngestEvents;
  /** Cluster profile: which series are decided here. */
  readonly partition?: Partition | undefined;
}

/** One partition of the network; a series belongs to that of its station. */
export interface Partition {
  readonly own: number;
  ownerOf(stationId: string): number;
  /** What lay from one place to another is gone: names it, and says how many offsets it took. */
  gapOf(first: Position, last: Position): { readonly detail: string; readonly offsets: number };
}

/** What became of one message; filled anew for each. */
export interface Passage {
  /** Measurements decoded, and channels whose value could not be. */
  decoded: number;
  stored: number;
  duplicate: number;
  revision: number;
  /** Of the whole message (`channel` null, then nothing else is counted) or of single channels. */
  readonly faults: Fault[];
  /** The whole message is quarantined. */
  isWhole: boolean;
  /** Partitions that decide some of its values. */
  readonly elsewhere: Set<number>;
}

export function createPassage(): Passage {
  return {
    decoded: 0,
    stored: 0,
    duplicate: 0,
    revision: 0,
    faults: [],
    isWhole: false,
    elsewhere: new Set(),
  };
}

/**
 * Runs one message through all steps. Throws what is no reading's fault (`isOfMachine`), which stops
 * ingest, and RowsLacking with all that the message wants: nothing of it is decided then.
 */
export function passMessage(parts: PipelineParts, reading: LoggedReading, passage: Passage): void {
  clear(passage);
  const rowsBefore = parts.decider.pending.current.rows.length;
  try {
    const served = identify(parts, reading, passage);
    const measurements = served && decode(parts, reading, served, passage);
    if (served === undefined || measurements === undefined) return;
    const sender = createSender(reading, reading.position);
    const lacking: SeriesDays[] = [];
    for (const measurement of measurements) {
      const bindings = served.channels.get(measurement.channel);
      const candidate = normalise(parts, reading, { measurement, bindings }, passage);
      if (candidate === undefined || isElsewhere(parts, candidate, passage)) continue;
      checkAndKeep(parts, { candidate, sender, lacking }, passage);
    }
    if (lacking.length > 0) throw new RowsLacking(lacking);
    if (reading.passed !== undefined) leaveToOthers(passage);
  } catch (error) {
    if (isOfMachine(error)) throw error;
    parts.decider.takeBack(rowsBefore);
    if (error instanceof RowsLacking) throw error;
    parts.events.readingFailed({ position: reading.position, device: reading.device, error });
    setWholeAside(passage, 'INGEST_READING_FAILED', -1, String(error));
  }
}

/** Which channels and which codec the registry version in force gives the device. */
function identify(
  parts: PipelineParts,
  reading: LoggedReading,
  passage: Passage,
): Served | undefined {
  const { directory } = parts;
  const version = reading.passed?.registryVersion ?? directory.version;
  const served = directory.serve(reading.device, version);
  if (served === undefined) setWholeAside(passage, 'INGEST_DEVICE_UNKNOWN', -1, reading.device);
  return served;
}

/** From bytes to measurements. */
function decode(
  parts: PipelineParts,
  reading: LoggedReading,
  served: Served,
  passage: Passage,
): readonly DecodedMeasurement[] | undefined {
  if (served.codec === undefined) {
    setWholeAside(passage, 'INGEST_CODEC_UNKNOWN', -1, reading.device);
    return undefined;
  }
  const { measurements, faults } = decodeMessage(served.codec, reading, parts.limits);
  passage.decoded = measurements.length;
  for (const { code, offset, channel, detail } of faults) {
    if (channel === undefined) {
      setWholeAside(passage, code, offset, detail);
      return undefined;
    }
    passage.decoded++;
    passage.faults.push({ code, offset, channel, detail });
  }
  return measurements;
}

/** From the device's words to a series, a time and the canonical unit. */
function normalise(
  parts: PipelineParts,
  reading: LoggedReading,
  sent: {
    readonly measurement: DecodedMeasurement;
    readonly bindings: readonly ChannelBinding[] | undefined;
  },
  passage: Passage,
): Candidate | undefined {
  const { channel } = sent.measurement;
  try {
    const outcome = parts.normaliser.normalise(sent.measurement, sent.bindings, reading);
    if (outcome.ok) return outcome;
    passage.faults.push({ code: outcome.code, channel, offset: -1, detail: outcome.detail });
  } catch (error) {
    setMeasurementAside(parts, passage, channel, error);
  }
  return undefined;
}

/** A value of another partition's series is that one's to count. */
function isElsewhere(
  { partition }: PipelineParts,
  candidate: Candidate,
  passage: Passage,
): boolean {
  if (partition === undefined) return false;
  const owner = partition.ownerOf(candidate.binding.station.id);
  if (owner === partition.own) return false;
  passage.decoded--;
  passage.elsewhere.add(owner);
  return true;
}

/**
 * Of a reading that was passed on, only the values of this partition's series are dealt with here:
 * whoever passed it on has dealt with the others, and with what could not be understood.
 */
function leaveToOthers(passage: Passage): void {
  const own = passage.faults.filter(({ code }) => code === 'INGEST_MEASUREMENT_FAILED');
  passage.decoded -= passage.faults.length - own.length;
  passage.faults.splice(0, passage.faults.length, ...own);
  passage.elsewhere.clear();
}

interface Keeping {
  readonly candidate: Candidate;
  readonly sender: Sender;
  /** What the values of the message want of days before the horizon. */
  readonly lacking: SeriesDays[];
}

/** The decider judges the value, finds its place among the kept ones and writes its rows. */
function checkAndKeep(
  parts: PipelineParts,
  { candidate, sender, lacking }: Keeping,
  passage: Passage,
): void {
  try {
    passage[parts.decider.decide(candidate, sender)]++;
  } catch (error) {
    if (error instanceof RowsLacking) return void lacking.push(...error.days);
    setMeasurementAside(parts, passage, candidate.raw.name, error);
  }
}

function setMeasurementAside(
  parts: PipelineParts,
  passage: Passage,
  channel: string,
  error: unknown,
): void {
  if (isOfMachine(error)) throw error;
  parts.events.measurementFailed({ channel, error });
  passage.faults.push({
    code: 'INGEST_MEASUREMENT_FAILED',
    channel,
    offset: -1,
    detail: String(error),
  });
}

export function setWholeAside(
  passage: Passage,
  code: string,
  offset: number,
  detail: string,
): void {
  clear(passage);
  passage.isWhole = true;
  passage.faults.push({ code, channel: null, offset, detail });
}

function clear(passage: Passage): void {
  passage.decoded = 0;
  passage.stored = 0;
  passage.duplicate = 0;
  passage.revision = 0;
  passage.faults.length = 0;
  passage.isWhole = false;
  passage.elsewhere.clear();
}
