/** Which threads go first where there are fewer cores than there is to do. */
import { existsSync, readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';

const ownThread = '/proc/thread-self';

/**
 * Lets the other threads of this machine go before the one that calls. On Linux a nice value (0 to
 * 19, setpriority(2)) is a thread's own and goes on to the threads it starts; elsewhere it would be
 * the whole process's, so there nothing is done, and false is the answer.
 */
export function giveWay(nice: number): boolean {
  if (process.platform !== 'linux' || !existsSync(ownThread)) return false;
  setPriority(Number(readlinkSync(ownThread).split('/').at(-1)), nice);
  return true;
}
