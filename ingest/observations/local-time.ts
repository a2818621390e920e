/** Times of one IANA zone: its offset at an instant, and RFC 3339 text with that offset. */
export interface LocalTime {
  readonly timeZone: string;
  /** What to add to UTC milliseconds to get local ones; always whole minutes. */
  offsetMs(at: number): number;
  /** RFC 3339 with the zone's offset; milliseconds only where they are not 0. */
  text(at: number): string;
}

const dayMs = 86_400_000;
const slotMs = 900_000;
const daysKeptMax = 8_192;
const hourMs = 3_600_000;
const two: readonly string[] = Array.from({ length: 100 }, (_, n) => String(n).padStart(2, '0'));
/** `mm:ss` by second of the hour: what is put together of few pieces is written out sooner. */
const ofHour: readonly string[] = two
  .slice(0, 60)
  .flatMap((minute) => two.slice(0, 60).map((second) => `${minute}:${second}`));

/** A stretch of one offset, and the local hour asked for last in it. */
interface Known {
  fromAt: number;
  toAt: number;
  offsetMs: number;
  suffix: string;
  hour: number;
  /** Date and hour, with the colon behind them. */
  begin: string;
}

function knowNothing(): Known {
  return { fromAt: 0, toAt: 0, offsetMs: 0, suffix: '', hour: NaN, begin: '' };
}

/** Throws RangeError for a zone that this machine does not know. */
export function openLocalTime(timeZone: string): LocalTime {
  const format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
  const offsetsByDay = new Map<number, number>();
  // Two, since a row has two times: when it was and, often days later, when it came in.
  let known = knowNothing();
  let other = knowNothing();

  function readOffsetMs(at: number): number {
    const name = format.formatToParts(at).find((part) => part.type === 'timeZoneName')?.value ?? '';
    const match = /([+-])(\d{1,2}):(\d{2})/.exec(name);
    if (match === null) return 0;
    const minutes = Number(match[2]) * 60 + Number(match[3]);
    return (match[1] === '-' ? -minutes : minutes) * 60_000;
  }

  function offsetAtDay(day: number): number {
    let offset = offsetsByDay.get(day);
    if (offset === undefined) {
      if (offsetsByDay.size >= daysKeptMax) offsetsByDay.clear();
      offset = readOffsetMs(day * dayMs);
      offsetsByDay.set(day, offset);
    }
    return offset;
  }

  /**
   * A zone that has the same offset at both ends of a UTC day has it all day; on a day of change
   * the quarter hour decides, since zones change at whole quarters.
   */
  function learn(at: number): void {
    [known, other] = [other, known];
    if (at >= known.fromAt && at < known.toAt) return;
    const day = Math.floor(at / dayMs);
    const offset = offsetAtDay(day);
    const wholeDay = offset === offsetAtDay(day + 1);
    const stepMs = wholeDay ? dayMs : slotMs;
    const fromAt = Math.floor(at / stepMs) * stepMs;
    const offsetMs = wholeDay ? offset : readOffsetMs(fromAt);
    const minutes = Math.abs(offsetMs) / 60_000;
    const sign = offsetMs < 0 ? '-' : '+';
    known.fromAt = fromAt;
    known.toAt = fromAt + stepMs;
    known.offsetMs = offsetMs;
    known.suffix = sign + two[Math.floor(minutes / 60)] + ':' + two[minutes % 60];
  }

  return {
    timeZone,
    offsetMs(at) {
      if (!(at >= known.fromAt && at < known.toAt)) learn(at);
      return known.offsetMs;
    },
    text(at) {
      if (!(at >= known.fromAt && at < known.toAt)) learn(at);
      const local = at + known.offsetMs;
      const hour = Math.floor(local / hourMs);
      if (hour !== known.hour) {
        known.hour = hour;
        known.begin = new Date(local).toISOString().slice(0, -10);
      }
      const ofThisHour = local - hour * hourMs;
      const seconds = (ofThisHour / 1000) | 0;
      const milliseconds = ofThisHour - seconds * 1000;
      const text = ofHour[seconds] ?? '';
      return milliseconds === 0
        ? known.begin + (text + known.suffix)
        : known.begin + (text + '.' + String(milliseconds).padStart(3, '0') + known.suffix);
    },
  };
}

/** One `LocalTime` a zone, kept as long as the function is. */
export function createLocalTimes(): (timeZone: string) => LocalTime {
  const zones = new Map<string, LocalTime>();
  return (timeZone) => {
    let zone = zones.get(timeZone);
    if (zone === undefined) zones.set(timeZone, (zone = openLocalTime(timeZone)));
    return zone;
  };
}
