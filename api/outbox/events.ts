import type { Telemetry } from '../../devices/telemetry.ts';
import type { Receipt } from './store.ts';

/** What happens to submissions. Datasets stand in lines for the operator, never in a metric. */
export interface OutboxEvents {
  tried(action: Receipt['action'], dataset: string): void;
  waiting(datasets: number): void;
  /** What is to be submitted could not be found out; it is looked again. */
  notCompared(error: unknown): void;
}

export function createOutboxEvents({ logger, metrics }: Telemetry): OutboxEvents {
  const tries = metrics.counter(
    'quantrac_outbox_submissions_total',
    'Submissions of datasets to the portal, by what became of them.',
    ['outcome'],
  );
  const waiting = metrics.gauge(
    'quantrac_outbox_waiting',
    'Datasets whose description has not been taken by the portal yet.',
  );
  return {
    tried(action, dataset) {
      tries.increase(1, { outcome: action });
      if (action === 'refused') {
        logger.warn({ dataset }, 'The portal refuses a dataset; its receipt says why.');
      } else if (action !== 'failed') {
        logger.info({ dataset, action }, 'The portal has taken a dataset.');
      }
    },
    waiting: (datasets) => waiting.set(datasets),
    notCompared(error) {
      logger.error({ err: error }, 'Descriptions for the portal cannot be compared; trying again.');
    },
  };
}
