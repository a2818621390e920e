import type { Aggregation, ObservedProperty } from '../../devices/model.ts';
import type { ChannelBinding } from '../../devices/registry.ts';
import { packGiven } from '../checks/digits.ts';
import type { Candidate } from '../normalise/measurement.ts';
import { createSender, type Sender } from './rows.ts';

export const startAt = Date.UTC(2026, 0, 1);
export const minuteMs = 60_000;

/** A series of one station, as the registry would bind it. */
export function bindingOf(
  series: number,
  property: ObservedProperty,
  options: { readonly aggregation?: Aggregation; readonly intervalMs?: number } = {},
): ChannelBinding {
  return {
    deployment: { device: 'd', datastream: `s${series}`, channel: 'c', fromAt: 0 },
    datastream: {
      id: `s${series}`,
      series,
      station: 'st',
      property: property.id,
      slug: property.id,
      aggregation: options.aggregation ?? 'instant',
      intervalMs: options.intervalMs ?? 10 * minuteMs,
    },
    property,
    station: {
      id: 'st',
      name: { vi: 'Trạm', en: 'Station' },
      owner: 'o',
      latitude: 21,
      longitude: 105.8,
      timeZone: 'Asia/Ho_Chi_Minh',
      class: 'regulatory',
    },
    scale: 1,
    shift: 0,
  };
}

export function candidateOf(
  binding: ChannelBinding,
  endAt: number,
  result: number | null,
  changes: Partial<Candidate> = {},
): Candidate {
  return {
    ok: true,
    binding,
    series: binding.datastream.series,
    endAt,
    startAt: endAt,
    heightMm: Number.NaN,
    result,
    given: packGiven(1, 2, 1, 2),
    qualifiers: 0,
    reason: result === null ? 'MISSING' : null,
    raw: { name: 'c', value: result === null ? null : String(result), unit: null, time: null },
    resultAt: Number.NaN,
    timeSource: 'device',
    latitude: Number.NaN,
    longitude: Number.NaN,
    ...changes,
  };
}

export function senderOf(position: number, receivedAt: number, payload = `p${position}`): Sender {
  return createSender({ device: 'd', receivedAt, payload: Buffer.from(payload) }, position);
}
