/**
 * Calls between the threads of one process, over a `MessagePort`: a request has a number, its answer
 * carries the same number. Errors cross with their code and fields, so that the caller can test
 * them as if they had been thrown here.
 */
import type { MessagePort } from 'node:worker_threads';
import { CodedError } from './devices/coded-error.ts';

type Handler = (argument: never) => unknown;
export type Handlers = Readonly<Record<string, Handler>>;

interface Request {
  readonly call: string;
  readonly number: number;
  readonly argument: unknown;
}

interface Failure {
  readonly message: string;
  readonly code?: string;
  readonly canRetry?: boolean;
  readonly fields?: Readonly<Record<string, unknown>>;
}

interface Answer {
  readonly number: number;
  readonly result?: unknown;
  readonly failure?: Failure;
}

/**
 * Answers calls that arrive at `port` with `handlers` (sync or async). Handlers that are still a
 * promise keep the calls waiting: a room may be called before it is open.
 */
export function serveCalls(port: MessagePort, handlers: Handlers | Promise<Handlers>): void {
  port.on('message', (message: Request | Answer) => {
    if (!('call' in message)) return;
    void answerCall(handlers, message).then((answer) => port.postMessage(answer));
  });
}

async function answerCall(
  handlers: Handlers | Promise<Handlers>,
  request: Request,
): Promise<Answer> {
  try {
    const handler = (await handlers)[request.call];
    if (handler === undefined) throw new Error(`no call is named ${request.call}`);
    const result = await (handler as (argument: unknown) => unknown)(request.argument);
    return { number: request.number, result };
  } catch (error) {
    return { number: request.number, failure: failureOf(error) };
  }
}

function failureOf(error: unknown): Failure {
  if (error instanceof CodedError) {
    const { message, code, canRetry, fields } = error;
    return { message, code, canRetry, fields };
  }
  return { message: error instanceof Error ? error.message : String(error) };
}

/** The calling side. Calls that wait when the port closes are rejected. */
export function createCaller(
  port: MessagePort,
): (call: string, argument?: unknown) => Promise<unknown> {
  const waiting = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: Error) => void }
  >();
  let number = 0;
  port.on('message', (message: Request | Answer) => {
    if ('call' in message) return;
    const waiter = waiting.get(message.number);
    waiting.delete(message.number);
    if (message.failure === undefined) waiter?.resolve(message.result);
    else waiter?.reject(errorOf(message.failure));
  });
  port.on('close', () => {
    for (const waiter of waiting.values()) waiter.reject(new Error('the other thread has ended'));
    waiting.clear();
  });
  return (call, argument) =>
    new Promise((resolve, reject) => {
      number += 1;
      waiting.set(number, { resolve, reject });
      port.postMessage({ call, number, argument } satisfies Request);
    });
}

function errorOf(failure: Failure): Error {
  if (failure.code === undefined) return new Error(failure.message);
  const entry = { message: failure.message, meaning: '', canRetry: failure.canRetry ?? false };
  return new CodedError(
    failure.code,
    entry,
    failure.fields === undefined ? {} : { fields: failure.fields },
  );
}
