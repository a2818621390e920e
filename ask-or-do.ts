/** Where a command does its work: in the server that owns the data folder, or here where none runs. */
import { sleep, type Clock } from './devices/clock.ts';
import { CodedError } from './devices/coded-error.ts';

/**
 * A server that starts owns the folder at once and answers on its control socket when all its rooms
 * are open. That takes under a second, and some seconds where a long tail is taken in; a folder that
 * is owned and silent for longer is in other hands (a backup, an erasure, a server that hangs).
 */
const startingMsMax = 10_000;
const betweenAsksMs = 100;

/**
 * `ask` resolves to undefined where no server answers, and `here` takes the data folder before it does
 * anything else. Rejects with START_FOLDER_OWNED when the owner has not answered in time.
 */
export async function askOrDo<Answer>(
  clock: Clock,
  ask: () => Promise<Answer | undefined>,
  here: () => Answer | Promise<Answer>,
): Promise<Answer> {
  const untilMs = clock.monotonicMs() + startingMsMax;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    try {
      return await here();
    } catch (error) {
      const isOwned = error instanceof CodedError && error.code === 'START_FOLDER_OWNED';
      if (!isOwned || clock.monotonicMs() >= untilMs) throw error;
    }
    await sleep(clock, betweenAsksMs);
  }
}
