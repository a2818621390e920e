/** A thread of a scenario: does the one task it was given and ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { doTask, type Task } from './tasks.ts';

await doTask(workerData as Task, (outcome) => parentPort?.postMessage(outcome));
