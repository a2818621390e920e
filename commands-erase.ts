/** The command `erase`: what devices said goes, through the one decider, running or not. */
import { askOrDo } from './ask-or-do.ts';
import { configurationOf, openProgress, relay, requireData, tell } from './command-telling.ts';
import type { Command } from './command-line.ts';
import type { Configuration } from './configuration.ts';
import { askControl } from './control.ts';
import { pathsOf } from './data-folder.ts';
import { openSystemClock } from './devices/clock-system.ts';
import { openSystemRandom } from './devices/random.ts';
import { eraseWish, eraseWith, type EraseWish } from './erase-order.ts';
import { openIngestAlone } from './ingest-alone.ts';
import type { EraseReport } from './ingest/maintain/erase.ts';
import type { MaintainProgress } from './ingest/maintain/findings.ts';

export async function eraseCommand(command: Command): Promise<number> {
  const wish = eraseWish(command);
  const configuration = configurationOf(command);
  requireData(configuration);
  const onProgress = openProgress(command);
  const { controlSocket } = pathsOf(configuration.dataDir);
  const { result } = await askOrDo<{ readonly result: unknown }>(
    openSystemClock(),
    () => askControl(controlSocket, 'erase', wish, relay(onProgress)),
    async () => ({ result: await eraseHere(configuration, wish, onProgress) }),
  );
  const report = result as EraseReport;
  const { readings, batches, viewRows } = report;
  tell(
    command,
    { event: 'erased', ...wish, ...report },
    `${readings} readings and ${batches} batches of observations blanked, ${viewRows} rows of the view; recorded as control`,
  );
  return 0;
}

async function eraseHere(
  configuration: Configuration,
  wish: EraseWish,
  onProgress: MaintainProgress,
): Promise<EraseReport> {
  const alone = await openIngestAlone(configuration, {
    clock: openSystemClock(),
    random: openSystemRandom(),
  });
  try {
    return await eraseWith(alone, configuration.ingest.decode, wish, onProgress);
  } finally {
    await alone.close();
  }
}
