/** The main thread's side of a room: starts its thread, hears when it is open, and closes it. */
import { scriptUrl } from './devices/script-url.ts';
import { Worker, type MessagePort, type TransferListItem } from 'node:worker_threads';
import type { Configuration } from './configuration.ts';
import type { Clock } from './devices/clock.ts';
import { CodedError } from './devices/coded-error.ts';
import { startError } from './errors.ts';
import type { RoomData, RoomMessage } from './room-thread.ts';
import { createCaller, serveCalls, type Handlers } from './thread-call.ts';

export interface Room {
  readonly ready: Promise<unknown>;
  readonly ended: Promise<Error>;
  call(name: string, argument?: unknown): Promise<unknown>;
  close(): Promise<void>;
}

/** `link` and `decide` are threads of the cluster profile. */
const scripts: Readonly<Record<RoomData['room'], string>> = {
  broker: './broker/worker',
  ingest: './ingest/worker',
  api: './api/worker',
  link: './ingest/cluster/link-worker',
  decide: './ingest/cluster/decide-worker',
};

// kafkajs waits for a moment that is past (its issue 1751); Node would say so at each connection.
const kafkaArgument = '--disable-warning=TimeoutNegativeWarning';

/** How long a room may take to close before its thread is ended: together under 10 s. */
const closeMsMax = 3_000;

export function openRoom(
  data: RoomData,
  calls: Handlers,
  threads: Configuration['threads'],
  clock: Clock,
): Room {
  const transferList: TransferListItem[] = Object.values<MessagePort>(data.ports);
  const worker = new Worker(scriptUrl(scripts[data.room], import.meta.url), {
    workerData: data.room === 'api' ? { ...data, nice: threads.apiNice } : data,
    transferList,
    name: data.room,
    ...('cluster' in data ? { execArgv: [...process.execArgv, kafkaArgument] } : {}),
    resourceLimits: {
      maxYoungGenerationSizeMb:
        data.room === 'api' ? threads.apiYoungMegabytesMax : threads.youngMegabytesMax,
      maxOldGenerationSizeMb: threads.heapMegabytesMax,
    },
  });
  let closing = false;
  let isOpen = false;
  const port = worker as unknown as MessagePort;
  serveCalls(port, calls);
  const call = createCaller(port);
  const exited = new Promise<number>((resolve) => worker.once('exit', resolve));
  const ended = new Promise<Error>((resolve) => {
    worker.on('message', (message: RoomMessage | { type?: undefined }) => {
      if (message.type === 'failed') resolve(errorOf(data.room, message));
    });
    worker.once('error', (error) =>
      resolve(startError('START_ROOM_ENDED', { room: data.room, reason: String(error) }, error)),
    );
    void exited.then((code) => {
      if (!closing) resolve(startError('START_ROOM_ENDED', { room: data.room, exitCode: code }));
    });
  });
  const ready = new Promise<unknown>((resolve) => {
    worker.on('message', (message: RoomMessage | { type?: undefined }) => {
      if (message.type !== 'ready') return;
      isOpen = true;
      resolve(message.ready);
    });
  });
  return {
    ready,
    ended,
    call,
    async close() {
      closing = true;
      // One that is still opening answers no calls; what it has begun is what a kill would leave.
      if (!isOpen) return void (await worker.terminate());
      const late = Promise.withResolvers<void>();
      const timer = clock.schedule(closeMsMax, late.resolve);
      await Promise.race([call('close').catch((error: unknown) => error), late.promise, exited]);
      timer.cancel();
      await worker.terminate();
    },
  };
}

function errorOf(room: string, failure: RoomMessage & { type: 'failed' }): Error {
  if (failure.code === null)
    return startError('START_ROOM_ENDED', { room, reason: failure.message, stack: failure.stack });
  const entry = { message: failure.message, meaning: '', canRetry: true };
  return new CodedError(failure.code, entry, { fields: failure.fields as Record<string, unknown> });
}
