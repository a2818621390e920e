/** What an erasure is asked with, and who it means. */
import { instantFlag, textFlag, type Command } from './command-line.ts';
import { codecFor } from './devices/codecs/formats.ts';
import { decodeMessage } from './devices/codecs/decode-message.ts';
import type { DecodeLimits } from './devices/codecs/codec.ts';
import type { Registry } from './devices/registry.ts';
import { startError } from './errors.ts';
import type { IngestAlone } from './ingest-alone.ts';
import { eraseData, type EraseOrder, type EraseReport } from './ingest/maintain/erase.ts';
import type { MaintainProgress } from './ingest/maintain/findings.ts';
import type { TimesOf } from './ingest/maintain/erase-readings.ts';

/** As the command line gave it; crosses the control socket. */
export type EraseWish = Omit<EraseOrder, 'devices' | 'actor'>;

const reasonCharactersMax = 500;

/** Throws START_USAGE naming the flag. */
export function eraseWish(command: Command): EraseWish {
  const device = textFlag(command, 'device') ?? null;
  const owner = textFlag(command, 'owner') ?? null;
  const reason = textFlag(command, 'reason') ?? '';
  const { fromAt, toAt } = periodOf(command);
  // Without device or owner it takes from every device: then both ends have to be said.
  const isByTime = device === null && owner === null && fromAt !== null && toAt !== null;
  if (!isByTime && (device === null) === (owner === null))
    throw startError('START_USAGE', {
      command: 'erase',
      accepted: '--device ID, or --owner ID, or both --from TIME and --to TIME',
    });
  if (reason === '' || reason.length > reasonCharactersMax)
    throw startError('START_USAGE', {
      flag: '--reason',
      value: reason,
      accepted: `a text of 1 to ${reasonCharactersMax} characters`,
    });
  return { device, owner, fromAt, toAt, reason };
}

function periodOf(command: Command): Pick<EraseWish, 'fromAt' | 'toAt'> {
  const fromAt = instantFlag(command, 'from') ?? null;
  const toAt = instantFlag(command, 'to') ?? null;
  if (fromAt !== null && toAt !== null && fromAt >= toAt)
    throw startError('START_USAGE', { flag: '--to', accepted: 'an instant behind --from' });
  return { fromAt, toAt };
}

/** Throws START_USAGE for a device or owner that the registry does not know. */
export function eraseOrder(wish: EraseWish, registry: Registry): EraseOrder {
  const { device, owner } = wish;
  if (!isKnownTo(registry, wish))
    throw startError('START_USAGE', {
      flag: device === null ? '--owner' : '--device',
      value: device ?? owner,
      problem: 'the registry does not know it',
    });
  const meant = [...registry.devices.values()].filter((one) =>
    device === null ? owner === null || one.owner === owner : one.id === device,
  );
  return { ...wish, devices: meant.map(({ id }) => id), actor: 'operator (command line)' };
}

/** An order by time alone names nobody. */
export function isKnownTo(
  registry: Registry,
  { device, owner }: Pick<EraseWish, 'device' | 'owner'>,
): boolean {
  if (device !== null) return registry.devices.has(device);
  return owner === null || registry.owners.has(owner);
}

/** Ends of what a message carries, by the device's codec as the registry names it now. */
export function timesBy(registry: Registry, limits: DecodeLimits): TimesOf {
  return (reading) => {
    const codec = codecFor(registry.devices.get(reading.device)?.codec);
    if (codec === undefined) return [];
    return decodeMessage(codec, reading, limits).measurements.map(({ endAt }) => endAt);
  };
}

/** Carries an erasure out where no server runs; rejects when ingest ends by itself. */
export function eraseWith(
  alone: IngestAlone,
  limits: DecodeLimits,
  wish: EraseWish,
  onProgress: MaintainProgress,
): Promise<EraseReport> {
  const registry = alone.registry.current();
  const timesOf = timesBy(registry, limits);
  const ended = alone.failed.then((error) => Promise.reject(error as Error));
  return Promise.race([
    eraseData(eraseOrder(wish, registry), { ...alone, timesOf, onProgress }),
    ended,
  ]);
}
