/**
 * Month (0 to 11) of instants in an IANA zone. Remembers the hour last met, so that a series in
 * order asks the calendar once an hour. The calendar is made at the first question, since it weighs
 * tens of kilobytes and most series never ask. An unknown zone is a RangeError then.
 */
export function createMonthOf(timeZone: string): (at: number) => number {
  let calendar: Intl.DateTimeFormat | undefined;
  let knownFromAt = 0;
  let knownToAt = 0;
  let knownMonth = 0;

  function ask(at: number): number {
    calendar ??= new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      month: 'numeric',
    });
    return Number(calendar.format(at)) - 1;
  }

  return (at) => {
    if (at >= knownFromAt && at < knownToAt) return knownMonth;
    knownMonth = ask(at);
    knownFromAt = Math.floor(at / hourMs) * hourMs;
    knownToAt = knownFromAt + hourMs;
    // An offset is a multiple of 15 minutes, so an hour may straddle the month's end: be exact there.
    if (ask(knownFromAt) !== knownMonth) knownFromAt = at;
    if (ask(knownToAt - 1) !== knownMonth) knownToAt = at + 1;
    return knownMonth;
  };
}

const hourMs = 3_600_000;
