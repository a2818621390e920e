/** The two balance laws as the metrics show them (interfaces: health and metrics). */

export interface Balance {
  readonly readingsLogged: number;
  readonly readingsEnded: number;
  readonly readingsInFlight: number;
  readonly measurementsDecoded: number;
  readonly measurementsEnded: number;
  /** Both laws hold. */
  readonly exact: boolean;
}

export async function readBalance(api: string): Promise<Balance> {
  const answer = await fetch(`${api}/metrics`);
  if (!answer.ok) throw new Error(`/metrics answered ${answer.status}`);
  const text = await answer.text();
  const sum = (name: string): number => {
    let total = 0;
    let found = false;
    for (const line of text.split('\n')) {
      if (!line.startsWith(`${name} `) && !line.startsWith(`${name}{`)) continue;
      total += Number(line.slice(line.lastIndexOf(' ') + 1));
      found = true;
    }
    if (!found) throw new Error(`/metrics has no ${name}`);
    return total;
  };
  const readingsLogged = sum('quantrac_readings_logged_total');
  const readingsEnded = sum('quantrac_readings_total');
  const readingsInFlight = sum('quantrac_readings_in_flight');
  const measurementsDecoded = sum('quantrac_measurements_decoded_total');
  const measurementsEnded = sum('quantrac_measurements_total');
  const exact =
    readingsLogged === readingsEnded + readingsInFlight &&
    measurementsDecoded === measurementsEnded;
  return {
    readingsLogged,
    readingsEnded,
    readingsInFlight,
    measurementsDecoded,
    measurementsEnded,
    exact,
  };
}
