/**
 * Month (0 to 11) of instants in an IANA zone. Remembers the last month met, so that a series in
 * order asks the calendar twelve times a year. Throws RangeError for an unknown zone.
 */
export function createMonthOf(timeZone: string): (at: number) => number {
  const calendar = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    month: 'numeric',
  });
  let knownFromAt = 0;
  let knownToAt = 0;
  let knownMonth = 0;

  return (at) => {
    if (at >= knownFromAt && at < knownToAt) return knownMonth;
    knownMonth = Number(calendar.format(at)) - 1;
    knownFromAt = Math.floor(at / hourMs) * hourMs;
    knownToAt = knownFromAt + hourMs;
    // An offset is a multiple of 15 minutes, so an hour may straddle the month's end: be exact there.
    if (Number(calendar.format(knownFromAt)) - 1 !== knownMonth) knownFromAt = at;
    if (Number(calendar.format(knownToAt - 1)) - 1 !== knownMonth) knownToAt = at + 1;
    return knownMonth;
  };
}

const hourMs = 3_600_000;
