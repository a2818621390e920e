/**
 * Time as people write it in the registry file: an RFC 3339 date-time with offset, or a date, which
 * means the start of that day at the station.
 */
const dateTimePattern =
  /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(\.\d{1,9})?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;
const datePattern = /^(\d{4})-(\d{2})-(\d{2})$/;

/** Integer milliseconds UTC of an RFC 3339 date-time; undefined when it is none, or has no offset. */
export function parseInstant(text: string): number | undefined {
  const parts = dateTimePattern.exec(text);
  if (parts === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction, sign, offsetHour, offsetMinute] =
    parts;
  const dayAt = utcDayAt(Number(year), Number(month), Number(day));
  if (dayAt === undefined) return undefined;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  if (Number(offsetHour ?? 0) > 23 || Number(offsetMinute ?? 0) > 59) return undefined;
  const clockMs = ((Number(hour) * 60 + Number(minute)) * 60 + Number(second)) * 1000;
  const offsetMs = (Number(offsetHour ?? 0) * 60 + Number(offsetMinute ?? 0)) * 60_000;
  const fractionMs = fraction === undefined ? 0 : Math.floor(Number(fraction) * 1000);
  return dayAt + clockMs + fractionMs - (sign === '-' ? -offsetMs : offsetMs);
}

/** True for a date that exists. */
export function isDate(text: string): boolean {
  return parseDateAt(text) !== undefined;
}

function parseDateAt(text: string): number | undefined {
  const parts = datePattern.exec(text);
  if (parts === null) return undefined;
  return utcDayAt(Number(parts[1]), Number(parts[2]), Number(parts[3]));
}

/** Midnight UTC of a calendar day; undefined for the 30th of February. */
function utcDayAt(year: number, month: number, day: number): number | undefined {
  const dayAt = new Date(0).setUTCFullYear(year, month - 1, day);
  const back = new Date(dayAt);
  const same = back.getUTCMonth() === month - 1 && back.getUTCDate() === day && month <= 12;
  return same ? dayAt : undefined;
}

/** What a time zone says; formatters are costly to make, so each zone's is kept. */
export interface Zones {
  /** An IANA name that this runtime knows; an offset such as `+07:00` is not a zone. */
  isZone(zone: string): boolean;
  /** Instant of a date-time, or start of a date in the zone; undefined when the text is neither. */
  instantOf(text: string, zone: string): number | undefined;
}

/** Zones kept at once: there are about 600 in the world, a file may invent no more. */
const zonesMax = 1000;

export function createZones(): Zones {
  const formatters = new Map<string, Intl.DateTimeFormat>();

  function formatterOf(zone: string): Intl.DateTimeFormat | undefined {
    const known = formatters.get(zone);
    if (known !== undefined) return known;
    if (!/^[A-Za-z]/.test(zone) || formatters.size >= zonesMax) return undefined;
    try {
      const made = new Intl.DateTimeFormat('en-GB', {
        timeZone: zone,
        calendar: 'iso8601',
        hourCycle: 'h23',
        year: 'numeric',
        month: '2-digit',
        day: '2-digit',
        hour: '2-digit',
        minute: '2-digit',
        second: '2-digit',
      });
      formatters.set(zone, made);
      return made;
    } catch {
      // RangeError is how the runtime says that it knows no such zone.
      return undefined;
    }
  }

  function offsetMsAt(formatter: Intl.DateTimeFormat, at: number): number {
    const fields: Record<string, number> = {};
    for (const { type, value } of formatter.formatToParts(at)) fields[type] = Number(value);
    const dayAt = new Date(0).setUTCFullYear(
      fields['year'] ?? 0,
      (fields['month'] ?? 1) - 1,
      fields['day'] ?? 1,
    );
    const clockSeconds =
      ((fields['hour'] ?? 0) * 60 + (fields['minute'] ?? 0)) * 60 + (fields['second'] ?? 0);
    return dayAt + clockSeconds * 1000 - at;
  }

  return {
    isZone: (zone) => formatterOf(zone) !== undefined,
    instantOf(text, zone) {
      const dayAt = parseDateAt(text);
      if (dayAt === undefined) return parseInstant(text);
      const formatter = formatterOf(zone);
      if (formatter === undefined) return undefined;
      // The offset at midnight UTC may be that of the other side of a change: ask again there.
      const guess = dayAt - offsetMsAt(formatter, dayAt);
      return dayAt - offsetMsAt(formatter, guess);
    },
  };
}
