/** What the scenarios of a cluster read from outside: metrics of all nodes together, sizes, copies. */
import { readFileSync } from 'node:fs';
import { sleep, type Clock } from '../../../devices/clock.ts';
import { readAnswer } from '../../load/answer.ts';
import type { Cluster, ClusterNode } from './world.ts';

export interface ClusterBalance {
  readonly readingsLogged: number;
  readonly readingsEnded: number;
  readonly readingsInFlight: number;
  readonly measurementsDecoded: number;
  readonly measurementsEnded: number;
  /** Nothing is in flight and both laws hold to the last reading. */
  readonly exact: boolean;
}

export function apiOf({ ports }: Pick<ClusterNode, 'ports'>): string {
  return `http://127.0.0.1:${ports.httpPort}`;
}

/** Sum of a metric over all its lines and nodes, or over those that are wanted. */
export function sumOf(
  texts: readonly string[],
  name: string,
  isWanted: (line: string) => boolean = () => true,
): number {
  let sum = 0;
  for (const text of texts) {
    for (const line of text.split('\n')) {
      if (!line.startsWith(`${name} `) && !line.startsWith(`${name}{`)) continue;
      if (isWanted(line)) {
        sum += Number(line.slice(line.lastIndexOf(' ') + 1));
      }
    }
  }
  return sum;
}

export function readMetrics(cluster: Cluster): Promise<string[]> {
  return Promise.all(
    cluster.nodes.filter(({ isUp }) => isUp).map((node) => readAnswer(apiOf(node), '/metrics')),
  );
}

export async function readClusterBalance(cluster: Cluster): Promise<ClusterBalance> {
  const texts = await readMetrics(cluster);
  const readingsLogged = sumOf(texts, 'quantrac_readings_logged_total');
  const readingsEnded = sumOf(texts, 'quantrac_readings_total');
  const readingsInFlight = sumOf(texts, 'quantrac_readings_in_flight');
  const measurementsDecoded = sumOf(texts, 'quantrac_measurements_decoded_total');
  const measurementsEnded = sumOf(texts, 'quantrac_measurements_total');
  return {
    readingsLogged,
    readingsEnded,
    readingsInFlight,
    measurementsDecoded,
    measurementsEnded,
    exact: readingsLogged === readingsEnded && measurementsDecoded === measurementsEnded,
  };
}

/**
 * Whether the apis that run are ready and tell of the same place. A copy that was opened just now has
 * not learned yet how far it is behind.
 */
async function areLevel(cluster: Cluster): Promise<boolean> {
  const apis = cluster.nodesOf('api').filter(({ isUp }) => isUp);
  try {
    const cursors = apis.map(async (node) => {
      await readAnswer(apiOf(node), '/readyz');
      const text = await readAnswer(apiOf(node), '/api/v1/datastreams?limit=1');
      return (JSON.parse(text) as { readonly cursor: string }).cursor;
    });
    return new Set(await Promise.all(cursors)).size <= 1;
  } catch {
    return false;
  }
}

/** Waits until everything taken in is settled and every copy level; gives the balance then. */
export async function untilSettled(
  cluster: Cluster,
  clock: Clock,
  msMax: number,
): Promise<ClusterBalance> {
  const until = clock.monotonicMs() + msMax;
  for (;;) {
    const balance = await readClusterBalance(cluster);
    const lag = sumOf(await readMetrics(cluster), 'quantrac_copy_lag_offsets');
    const isLevel = lag === 0 && (await areLevel(cluster));
    if (balance.exact && balance.readingsInFlight === 0 && isLevel) return balance;
    if (clock.monotonicMs() > until) return balance;
    await sleep(clock, 250);
  }
}

/** Resident memory of a process, bytes. */
export function rssBytes(pid: number): number {
  const pages = Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]);
  return pages * 4_096;
}
