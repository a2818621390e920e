import { Worker } from 'node:worker_threads';
import { doTask, type Task } from './tasks.ts';

/** Does the tasks beside each other, one alone in this thread; rejects with the first that fails. */
export async function inThreads(
  tasks: readonly Task[],
  onOutcome: (outcome: unknown) => void,
): Promise<void> {
  const [only] = tasks;
  if (tasks.length === 1 && only !== undefined) return doTask(only, onOutcome);
  await Promise.all(tasks.map((task) => inThread(task, onOutcome)));
}

function inThread(task: Task, onOutcome: (outcome: unknown) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: task });
    worker.on('message', onOutcome);
    worker.once('error', reject);
    worker.once('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`a thread of the scenario ended with ${code}`));
    });
  });
}
