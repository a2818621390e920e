import type { Clock } from '../../devices/clock.ts';
import type { Registry } from '../../devices/registry.ts';
import type { Telemetry } from '../../devices/telemetry.ts';
import { checkView, viewFindings } from '../store/check-view.ts';
import type { StoreConfig } from '../store/config.ts';
import { digestOf, type Digest } from '../store/digest.ts';
import type { Finding, MaintainProgress } from './findings.ts';
import type { LogPlace } from './log-place.ts';
import { openViewAt } from './view-at.ts';

const findingsMax = 1_000;

/** Whether a series' values are angles, by the newest version of the registry. */
export function circularIn({ bySeries, properties }: Registry): (series: number) => boolean {
  return (series) => properties.get(bySeries[series]?.property ?? '')?.circular === true;
}

/** Every block, latest row and kept hour of the view. Whether it fits its log is asked elsewhere. */
export function verifyView(
  path: string,
  registry: Registry,
  onFinding: (finding: Finding) => void,
): void {
  const found = checkView({
    path,
    logEnd: Number.MAX_SAFE_INTEGER,
    isCircular: circularIn(registry),
    findingsMax,
  });
  for (const { code, fields } of found) {
    const what = `${viewFindings[code]} ${JSON.stringify(fields)}`;
    onFinding({ part: 'view', file: 'view.db', what });
  }
}

export interface DigestFolderOptions {
  readonly view: string;
  readonly observations: LogPlace;
  readonly registry: Registry;
  readonly config: StoreConfig;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly makeScratch: () => string;
  readonly onProgress: MaintainProgress;
}

/**
 * What the folder says at the end of its observations, as one number (design.md §6). Rejects with the
 * log's error where a batch cannot be read: a digest of a part would be no digest.
 */
export async function digestFolder(options: DigestFolderOptions): Promise<Digest> {
  const { registry } = options;
  const opened = await openViewAt({
    ...options,
    path: options.view,
    isCircular: circularIn(registry),
  });
  try {
    return await digestOf({ store: opened.store, registry });
  } finally {
    opened.close();
  }
}
