/** The two balance laws as the metrics show them (interfaces: health and metrics). */
import { simulatorsError } from '../errors.ts';
import { readAnswer, type Api } from './answer.ts';

export interface Balance {
  readonly readingsLogged: number;
  readonly readingsEnded: number;
  readonly readingsInFlight: number;
  readonly measurementsDecoded: number;
  readonly measurementsEnded: number;
  /** Both laws hold. */
  readonly exact: boolean;
}

export async function readBalance(api: Api): Promise<Balance> {
  const text = await readAnswer(api, '/metrics');
  const sum = (name: string): number => {
    let total = 0;
    let found = false;
    for (const line of text.split('\n')) {
      if (!line.startsWith(`${name} `) && !line.startsWith(`${name}{`)) continue;
      total += Number(line.slice(line.lastIndexOf(' ') + 1));
      found = true;
    }
    if (!found)
      throw simulatorsError('SIMULATORS_API_FAILED', { problem: `/metrics has no ${name}` });
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
