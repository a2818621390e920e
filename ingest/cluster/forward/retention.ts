/** Tells the owner of the log what it may delete; what hinders that is told once, not at each try. */
import { CodedError } from '../../../devices/coded-error.ts';
import type { Position } from '../../log/log.ts';
import type { ForwardEvents } from './events.ts';

export interface RetentionOptions {
  /** Everything up to there may go. */
  readonly consumed: (position: Position) => Promise<void>;
  readonly events: Pick<ForwardEvents, 'retentionUntold' | 'retentionTold'>;
}

/** Never throws: the next position covers what one did not reach. */
export function tellRetention({
  consumed,
  events,
}: RetentionOptions): (position: Position) => void {
  let told: string | undefined;

  async function tell(position: Position): Promise<void> {
    try {
      await consumed(position);
      if (told !== undefined) events.retentionTold(position);
      told = undefined;
    } catch (error) {
      const reason = error instanceof CodedError ? error.code : String(error);
      events.retentionUntold({ position, error }, reason !== told);
      told = reason;
    }
  }
  return (position) => void tell(position);
}
