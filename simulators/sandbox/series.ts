/**
 * The network on which developers try their clients: one station whose series each show one thing
 * that happens in the field, named by it. What is told of it and what is done stand in one place.
 */
export interface SandboxSeries {
  /** Slug, and channel, and end of the datastream's id `sandbox.{slug}`. */
  readonly slug: string;
  readonly property: string;
  /** The device that sends it: `sandbox`, or one of its own. */
  readonly device: string;
  readonly does: { readonly vi: string; readonly en: string };
}

/** Values that come late come so many intervals later, newest first. */
export const heldIntervals = 4;
/** A value is corrected so many intervals after it was sent. */
export const correctedIntervals = 3;
/** A series is closed, and opened again, after so many intervals. */
export const visibilityIntervals = 12;
/** What one device has sent is erased after so many intervals. */
export const erasedIntervals = 24;

export const sandboxSeries: readonly SandboxSeries[] = [
  {
    slug: 'steady',
    property: 'air-temperature',
    device: 'sandbox',
    does: {
      vi: 'Đều đặn một giá trị mỗi khoảng, không có gì khác.',
      en: 'A value each interval, and nothing else.',
    },
  },
  {
    slug: 'repeated',
    property: 'dew-point',
    device: 'sandbox',
    does: {
      vi: 'Mỗi bản tin được gửi hai lần; chỉ có một giá trị và một thay đổi.',
      en: 'Every message is sent twice; there is one value and one change.',
    },
  },
  {
    slug: 'corrected',
    property: 'relative-humidity',
    device: 'sandbox',
    does: {
      vi: 'Mỗi giá trị được hiệu chỉnh sau ba khoảng: cùng id, revision lớn hơn.',
      en: 'Every value is corrected after three intervals: the same id, a greater revision.',
    },
  },
  {
    slug: 'late',
    property: 'water-level',
    device: 'sandbox',
    does: {
      vi: 'Bốn giá trị đến cùng lúc, mới nhất trước, trễ đến ba khoảng.',
      en: 'Four values come at once, the newest first, up to three intervals late.',
    },
  },
  {
    slug: 'missing',
    property: 'wind-speed',
    device: 'sandbox',
    does: {
      vi: 'Mỗi giá trị thứ ba là null, có cờ 9 và lý do.',
      en: 'Every third value is null, with flag 9 and a reason.',
    },
  },
  {
    slug: 'failed',
    property: 'air-pressure',
    device: 'sandbox',
    does: {
      vi: 'Mỗi giá trị thứ tư nằm ngoài khoảng cảm biến đo được: cờ 4.',
      en: 'Every fourth value is outside what a sensor can report: flag 4.',
    },
  },
  {
    slug: 'hidden',
    property: 'pm2.5',
    device: 'sandbox',
    does: {
      vi: 'Chuỗi được đóng và mở lại mỗi 12 khoảng: thay đổi loại datastream.',
      en: 'The series is closed and opened again every twelve intervals: changes of type datastream.',
    },
  },
  {
    slug: 'deleted',
    property: 'rainfall',
    device: 'sandbox-deleted',
    does: {
      vi: 'Mọi giá trị bị xóa 24 khoảng một lần: thay đổi loại deletion.',
      en: 'All values are erased every 24 intervals: changes of type deletion.',
    },
  },
];

const deployedFrom = '2020-01-01T00:00:00Z';

/** Its registry file; `isHidden`: the series that is closed now and then is closed. */
export function sandboxRegistry(intervalMs: number, isHidden: boolean): Record<string, unknown> {
  const name = { vi: 'Mạng thử nghiệm', en: 'Sandbox' };
  const devices = [...new Set(sandboxSeries.map(({ device }) => device))];
  return {
    format: 'quantrac-registry/1',
    owners: [{ id: 'sandbox', name, kind: 'community', licence: 'CC0-1.0' }],
    stations: [
      {
        id: 'sandbox',
        name: { vi: 'Trạm thử nghiệm', en: 'Sandbox station' },
        owner: 'sandbox',
        latitude: 16.06,
        longitude: 108.22,
        timeZone: 'Asia/Ho_Chi_Minh',
        class: 'indicative',
        kind: 'mixed',
      },
    ],
    datastreams: sandboxSeries.map(({ slug, property }) => ({
      id: `sandbox.${slug}`,
      station: 'sandbox',
      property,
      slug,
      aggregation: 'instant',
      intervalMs,
      ...(slug === 'hidden' ? { visibility: isHidden ? 'internal' : 'open' } : {}),
    })),
    devices: devices.map((id) => ({ id, owner: 'sandbox' })),
    deployments: sandboxSeries.map(({ slug, device }) => ({
      device,
      datastream: `sandbox.${slug}`,
      channel: slug,
      from: deployedFrom,
    })),
  };
}
