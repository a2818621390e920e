/** Work that a thread can do by itself: its description crosses between threads, and its outcomes. */
import { judgeOrders, type OrderPart } from './order-part.ts';
import { openSpineNetwork, runSeed } from './seeds.ts';

export type Task =
  | { readonly kind: 'orders'; readonly part: OrderPart }
  | { readonly kind: 'seeds'; readonly seeds: readonly number[] };

export async function doTask(task: Task, onOutcome: (outcome: unknown) => void): Promise<void> {
  if (task.kind === 'orders') return judgeOrders(task.part, onOutcome);
  const network = openSpineNetwork();
  try {
    for (const seed of task.seeds) onOutcome(await runSeed(seed, { network }));
  } finally {
    network.close();
  }
}
