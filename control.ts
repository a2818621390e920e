/**
 * The control socket: how commands on the same machine speak to the running server. A UNIX socket of
 * mode 0600 in the data folder; one JSON line asks, `{"progress":…}` lines may follow, and one line
 * `{"result":…}` or `{"failure":…}` ends. Who can open the folder is the operator.
 */
import { chmodSync, existsSync, unlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { relative } from 'node:path';
import { createInterface } from 'node:readline';
import { CodedError } from './devices/coded-error.ts';
import { startError } from './errors.ts';

export type Progress = (done: unknown) => void;
/** `gone` resolves when who asked has gone away. */
export type ControlHandlers = Readonly<
  Record<string, (argument: never, progress: Progress, gone: Promise<void>) => Promise<unknown>>
>;

interface Question {
  readonly command: string;
  readonly argument: unknown;
}

interface Reply {
  readonly progress?: unknown;
  readonly result?: unknown;
  readonly failure?: {
    readonly code?: string;
    readonly message: string;
    readonly fields?: Readonly<Record<string, unknown>>;
  };
}

/** Bytes of a question: a registry file of a whole country fits. */
const questionBytesMax = 256 * 2 ** 20;

/** A socket's address holds 104 bytes (macOS) or 108 (Linux), its end among them (unix(7)). */
const addressBytesMax = 103;

/** The shorter of the path and the way to it from here. Throws START_FOLDER_PATH_LONG. */
function addressOf(path: string): string {
  const fromHere = relative(process.cwd(), path);
  const address = fromHere.length < path.length ? fromHere : path;
  if (Buffer.byteLength(address) <= addressBytesMax) return address;
  throw startError('START_FOLDER_PATH_LONG', { path, accepted: `${addressBytesMax} bytes` });
}

/** The caller owns the data folder, so a socket that is there is left from a process that died. */
export async function serveControl(path: string, handlers: ControlHandlers): Promise<Server> {
  const address = addressOf(path);
  if (existsSync(path)) unlinkSync(path);
  const server = createServer((socket) => answerQuestions(socket, handlers));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(address, resolve);
  });
  chmodSync(path, 0o600);
  return server;
}

function answerQuestions(socket: Socket, handlers: ControlHandlers): void {
  let bytes = 0;
  socket.on('data', (chunk) => {
    bytes += chunk.length;
    if (bytes > questionBytesMax) socket.destroy();
  });
  // The asking command went away: there is nobody to tell.
  socket.on('error', () => socket.destroy());
  const lines = createInterface({ input: socket });
  lines.once('line', (line) => {
    const reply = (message: Reply): void =>
      void (socket.writable && socket.write(`${JSON.stringify(message)}\n`));
    const gone = new Promise<void>((resolve) => void socket.once('close', () => resolve()));
    const asker = { progress: (progress: unknown) => reply({ progress }), gone };
    void answerQuestion(line, handlers, asker).then((answer) => {
      reply(answer);
      socket.end();
    });
  });
}

async function answerQuestion(
  line: string,
  handlers: ControlHandlers,
  { progress, gone }: { readonly progress: Progress; readonly gone: Promise<void> },
): Promise<Reply> {
  try {
    const { command, argument } = JSON.parse(line) as Question;
    const handler = handlers[command];
    if (handler === undefined)
      throw startError('START_USAGE', { command, accepted: Object.keys(handlers) });
    return { result: (await handler(argument as never, progress, gone)) ?? null };
  } catch (error) {
    if (error instanceof CodedError) {
      return { failure: { code: error.code, message: error.message, fields: error.fields } };
    }
    return { failure: { message: error instanceof Error ? error.message : String(error) } };
  }
}

/** Undefined when no server answers there; otherwise its result, or its error thrown. */
export async function askControl(
  path: string,
  command: string,
  argument: unknown,
  progress: Progress = () => {},
): Promise<{ readonly result: unknown } | undefined> {
  const socket = await openControl(path);
  if (socket === undefined) return undefined;
  socket.write(`${JSON.stringify({ command, argument } satisfies Question)}\n`);
  for await (const line of createInterface({ input: socket })) {
    const reply = replyOf(line);
    if ('progress' in reply) progress(reply.progress);
    else return { result: reply.result };
  }
  throw endedEarly(path);
}

function replyOf(line: string): Reply {
  const reply = JSON.parse(line) as Reply;
  if (reply.failure === undefined) return reply;
  const { code, message, fields } = reply.failure;
  throw new CodedError(
    code ?? 'START_USAGE',
    { message, meaning: '', canRetry: false },
    fields === undefined ? {} : { fields },
  );
}

function endedEarly(path: string): CodedError {
  return startError('START_NOT_RUNNING', {
    socket: path,
    problem: 'the server ended before it answered',
  });
}

/** A question that lasts as long as its asker: what was told first, and how to end it. */
export interface HeldControl {
  readonly told: unknown;
  readonly release: () => void;
}

/** Undefined when no server answers there. Whatever ends this process ends the question too. */
export async function holdControl(
  path: string,
  command: string,
  argument: unknown,
): Promise<HeldControl | undefined> {
  const socket = await openControl(path);
  if (socket === undefined) return undefined;
  socket.write(`${JSON.stringify({ command, argument } satisfies Question)}\n`);
  const lines = createInterface({ input: socket });
  const line = await new Promise<string | undefined>((resolve) => {
    lines.once('line', resolve);
    lines.once('close', () => resolve(undefined));
  });
  if (line === undefined) throw endedEarly(path);
  try {
    return { told: replyOf(line).progress, release: () => socket.destroy() };
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function openControl(path: string): Promise<Socket | undefined> {
  return new Promise((resolve, reject) => {
    if (!existsSync(path)) {
      resolve(undefined);
      return;
    }
    const socket = connect(addressOf(path));
    socket.once('connect', () => resolve(socket));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(undefined);
      else reject(error);
    });
  });
}
