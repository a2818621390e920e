import type { Clock } from '../../devices/clock.ts';
import type { Random } from '../../devices/random.ts';
import type { ServerLife } from './child.ts';
import type { InstallOptions } from './install.ts';

/** What every server is started with. */
export interface StartOptions extends InstallOptions {
  /** Data, settings and log of the server; an existing folder, of this server alone. */
  readonly folder: string;
  readonly clock: Clock;
  /** For ports and secrets. */
  readonly random: Random;
  /** One for each node that clients connect to. Absent: free ones. */
  readonly ports?: readonly number[];
  /** Absent: it dies with this process. */
  readonly life?: ServerLife;
  /** Told of every process before it answers, so that one that never will can be ended too. */
  readonly onSpawn?: ((pid: number) => void) | undefined;
}
