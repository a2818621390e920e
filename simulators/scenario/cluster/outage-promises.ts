/** What the outages of a cluster are measured by, and what of it is promised. */
import type { Audit } from '../../load/audit.ts';
import { loadChannels } from '../../load/network.ts';
import type { ClusterBalance } from './measures.ts';
import type { Drain, Growth } from './samples.ts';
import type { ViewAudit } from './view-audit.ts';

export interface OutageFigures {
  readonly awayMs: number;
  /** Acknowledged while it was away, and how long each waited for it. */
  readonly acknowledged: number;
  readonly acceptMs: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly memory: Readonly<Record<string, Growth>>;
  readonly spool: Drain;
  readonly influx: Drain;
  /** From when the server answered again until nothing stale came any more, by api, ms. */
  readonly freshMs: Readonly<Record<string, number | null>>;
  readonly oldestMs: Readonly<Record<string, number>>;
}

export interface RunFigures {
  readonly seed: number;
  readonly ack: 'local' | 'replicated';
  /** Messages a second. */
  readonly rate: number;
  readonly before: Pick<OutageFigures, 'acceptMs' | 'oldestMs'>;
  readonly outages: Readonly<Record<string, OutageFigures>>;
  readonly audits: Readonly<Record<string, Audit>>;
  readonly view: ViewAudit;
  readonly balance: ClusterBalance;
  readonly unacknowledged: number;
  /** Nodes of ours that ended by themselves, with what they said. */
  readonly deaths: readonly string[];
}

const grownMegabytesMax = 64;
const spoolTimesMin = 5;
const influxTimesMin = 3;
/** A smaller heap is gone before a rate can be told. */
const measurableSeconds = 20;

export interface Verdict {
  /** What was promised and did not hold, in words. */
  readonly broken: readonly string[];
  /** Aims of speed and size that were not met: they depend on the machine and the load. */
  readonly missed: readonly string[];
}

export function judge(run: RunFigures): Verdict {
  const { audits, view, balance, unacknowledged, deaths, ack, rate } = run;
  const broken: string[] = [];
  const missed: string[] = [];
  const must = (holds: boolean, words: string): void => void (holds || broken.push(words));
  for (const [api, { missing, doubled, changed, invented }] of Object.entries(audits)) {
    must(missing + doubled + changed + invented === 0, `${api} shows what was acknowledged, once`);
  }
  must(view.missing + view.changed + view.invented === 0, 'InfluxDB holds what the api shows');
  must(balance.exact, 'the balance is exact');
  must(deaths.length === 0, 'no node of ours ends');
  must(unacknowledged === 0, 'everything was acknowledged in the end');
  for (const [name, figures] of Object.entries(run.outages)) {
    must(isTakenAsPromised(name, figures, { rate, ack }), `${name}: acknowledged as promised`);
    for (const words of missedDuring(figures, rate)) missed.push(`${name}: ${words}`);
  }
  return { broken, missed };
}

interface Asked {
  readonly rate: number;
  readonly ack: RunFigures['ack'];
}

/** As ever from the own disk; nothing that Kafka does not have where it was to have it. */
function isTakenAsPromised(name: string, figures: OutageFigures, asked: Asked): boolean {
  const { acknowledged, awayMs } = figures;
  // What was sent in the last second may be on its way yet.
  const expected = 0.95 * ((asked.rate * awayMs) / 1_000) - asked.rate;
  if (asked.ack === 'local' || name === 'influx') return acknowledged >= expected;
  return acknowledged === 0;
}

function missedDuring(figures: OutageFigures, rate: number): string[] {
  const { memory, spool, influx, freshMs } = figures;
  const missed: string[] = [];
  const must = (holds: boolean, words: string): void => void (holds || missed.push(words));
  for (const [node, { grownMegabytes }] of Object.entries(memory)) {
    must(grownMegabytes <= grownMegabytesMax, `${node} grows by at most ${grownMegabytesMax} MB`);
  }
  const drains = [
    ['the spool', spool, spoolTimesMin, 1],
    ['InfluxDB', influx, influxTimesMin, loadChannels.length],
  ] as const;
  for (const [what, { waited, levelMs, timesLive }, timesMin, each] of drains) {
    must(levelMs !== null, `${what} is made up for`);
    if (waited < rate * each * measurableSeconds) continue;
    must(timesLive >= timesMin, `${what} is made up for at ${timesMin} times the live rate`);
  }
  for (const [api, ms] of Object.entries(freshMs)) must(ms !== null, `${api} is live again`);
  return missed;
}
