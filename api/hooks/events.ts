import type { Telemetry } from '../../devices/telemetry.ts';
import type { HookState } from './hook.ts';

export type DeliveryOutcome = 'received' | 'failed' | 'gone';

/** What happens to webhooks. Addresses of receivers stand in lines for the operator, never in a metric. */
export interface HookEvents {
  delivered(outcome: DeliveryOutcome, changes: number): void;
  /** A verification was answered as it must be, or not. */
  challenged(isAnswered: boolean): void;
  /** A webhook came to another state. */
  stateChanged(hook: {
    readonly id: string;
    readonly state: HookState;
    readonly reason: string | null;
  }): void;
  /** It was removed: never verified, or of no use any more for long. */
  forgotten(hook: { readonly id: string; readonly state: HookState }): void;
  counted(webhooks: number): void;
  deliveryBroken(error: unknown, id: string): void;
  /** What receivers took could not be written down, or who is due could not be looked for. */
  roundFailed(error: unknown): void;
}

export function createHookEvents({ logger, metrics }: Telemetry): HookEvents {
  const deliveries = metrics.counter(
    'quantrac_webhook_deliveries_total',
    'Deliveries to webhooks, by what became of them.',
    ['outcome'],
  );
  const changes = metrics.counter(
    'quantrac_webhook_changes_total',
    'Changes that receivers of webhooks have taken.',
  );
  const challenges = metrics.counter(
    'quantrac_webhook_challenges_total',
    'Verifications of addresses of webhooks.',
    ['outcome'],
  );
  const states = metrics.counter(
    'quantrac_webhook_states_total',
    'Webhooks that came to a state.',
    ['state'],
  );
  const forgotten = metrics.counter(
    'quantrac_webhooks_removed_total',
    'Webhooks that were removed because nothing was sent to them for long.',
  );
  const webhooks = metrics.gauge('quantrac_webhooks', 'Webhooks, in whatever state.');
  const failedRounds = metrics.counter(
    'quantrac_webhook_rounds_failed_total',
    'Rounds of deliveries whose outcome could not be written down; it is tried again.',
  );
  return {
    delivered(outcome, count) {
      deliveries.increase(1, { outcome });
      if (outcome === 'received') changes.increase(count);
    },
    challenged: (isAnswered) =>
      challenges.increase(1, { outcome: isAnswered ? 'answered' : 'failed' }),
    stateChanged({ id, state, reason }) {
      states.increase(1, { state });
      logger.info({ id, state, reason }, 'A webhook has another state.');
    },
    forgotten({ id, state }) {
      forgotten.increase(1);
      logger.info({ id, state }, 'A webhook to which nothing is sent any more was removed.');
    },
    counted: (count) => webhooks.set(count),
    deliveryBroken: (error, id) =>
      logger.error({ err: error, id }, 'A delivery could not be made up; it is tried again.'),
    roundFailed(error) {
      failedRounds.increase(1);
      logger.error({ err: error }, 'What receivers took could not be written; it is tried again.');
    },
  };
}
