/** What a flood of readers is measured by, and what of it is promised. */
export interface FloodFigures {
  readonly seed: number;
  /** Asked for, and open at the end: as many as the machine lets one process hold. */
  readonly readersWanted: number;
  readonly readers: Readers;
  /** In the flood, requests a second that were answered at all. */
  readonly answeredPerSecond: number;
  readonly quiet: Shares;
  readonly flood: Shares;
  readonly operators: Shares & { readonly failed: number };
  readonly unacknowledged: number;
  readonly balanceExact: boolean;
  readonly residentMegabytes: {
    readonly before: number;
    readonly after: number;
    readonly peak: number;
  };
}

export interface Readers {
  readonly readers: number;
  readonly served: number;
  readonly notModified: number;
  readonly told: number;
  readonly failed: number;
  readonly following: number;
  readonly events: number;
  readonly bytes: number;
  readonly problems: Readonly<Record<string, number>>;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Milliseconds. */
export interface Shares {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly count: number;
}

export interface Verdict {
  /** What was promised and did not hold, in words. */
  readonly broken: readonly string[];
  /** Aims of speed and size that were not met: they depend on the machine and the load. */
  readonly missed: readonly string[];
}

const pubackTimesMax = 2;
const operatorsMsMax = 1_000;
const grownMegabytesMax = 512;

export function judge(figures: FloodFigures): Verdict {
  const { readers, quiet, flood, operators, residentMegabytes } = figures;
  const broken: string[] = [];
  const missed: string[] = [];
  const promise = (holds: boolean, words: string): void => void (holds || broken.push(words));
  const aim = (holds: boolean, words: string): void => void (holds || missed.push(words));
  promise(readers.failed === 0, 'every reader is served or told when to come back');
  promise(readers.served + readers.notModified > 0, 'readers are served');
  promise(operators.failed === 0 && operators.count > 0, 'operators are answered');
  promise(flood.count > 0 && figures.unacknowledged === 0, 'devices are acknowledged');
  promise(figures.balanceExact, 'the balance is exact');
  aim(readers.readers >= figures.readersWanted, `${figures.readersWanted} readers are open`);
  aim(
    flood.p99Ms <= pubackTimesMax * quiet.p99Ms,
    `p99 of PUBACK is at most ${pubackTimesMax} times that of the quiet run`,
  );
  aim(operators.p99Ms <= operatorsMsMax, `p99 of operators' calls is at most ${operatorsMsMax} ms`);
  aim(
    residentMegabytes.after - residentMegabytes.before <= grownMegabytesMax,
    `the server grows by at most ${grownMegabytesMax} MB`,
  );
  return { broken, missed };
}
