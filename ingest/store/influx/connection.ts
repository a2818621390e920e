/**
 * Requests to InfluxDB over the transport of its client. None of the client's own batching, retry and
 * buffer is in the way: they lose what an outage leaves over (`RetryBuffer.ts`, `options.ts` of
 * @influxdata/influxdb-client 1.35). What the transport leaves open is closed here: its timeout counts
 * only silence and leaves the request running, and it takes Retry-After for milliseconds.
 */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { HttpError, InfluxDB, type Transport } from '@influxdata/influxdb-client';
import type { Clock } from '../../../devices/clock.ts';
import { CodedError } from '../../../devices/coded-error.ts';
import type { InfluxConfig } from './config.ts';
import { influxError } from './errors.ts';

export interface Answer {
  readonly status: number;
  readonly body: string;
  /** NaN where it asks for no wait. */
  readonly retryAfterMs: number;
}

/** One table of an answer to InfluxQL. */
export interface Table {
  readonly name: string;
  /** What it is grouped by. */
  readonly tags: Readonly<Record<string, string>>;
  readonly columns: readonly string[];
  readonly values: readonly (readonly (string | number | boolean | null)[])[];
}

export interface Connection {
  /** Line protocol, nanoseconds. Answers with whatever status; rejects INFLUX_UNREACHABLE without one. */
  write(body: string): Promise<Answer>;
  /**
   * Answers statements of InfluxQL, the tables of each. Rejects INFLUX_UNREACHABLE, INFLUX_BUSY,
   * INFLUX_NOT_ALLOWED, INFLUX_BUCKET_MISSING, INFLUX_ANSWER.
   */
  ask(statements: readonly string[]): Promise<readonly (readonly Table[])[]>;
  /** Drops a measurement, which may take as long as `dropTimeoutMs`; that there is none is no error. */
  drop(measurement: string): Promise<void>;
  /** Gives up what is under way. */
  close(): void;
}

export interface ConnectionOptions {
  readonly config: InfluxConfig;
  readonly token: string;
  /** Text of `caFile`. */
  readonly ca?: string;
  readonly clock: Clock;
}

interface Exchange {
  readonly path: string;
  readonly body: string;
  readonly contentType: string;
  readonly gzip: boolean;
  readonly timeoutMs: number;
}

const gzipBytesMin = 1_000;

export function openConnection({ config, token, ca, clock }: ConnectionOptions): Connection {
  const agent = config.url.startsWith('https:')
    ? new HttpsAgent({ keepAlive: true })
    : new HttpAgent({ keepAlive: true });
  const transportOptions = ca === undefined ? { agent } : { agent, ca };
  // Longer than any deadline of ours, which ends the request too.
  const timeout = config.dropTimeoutMs + config.requestTimeoutMs;
  const { transport } = new InfluxDB({ url: config.url, token, timeout, transportOptions });
  const closing = new AbortController();
  const database = config.bucket.split('/', 1)[0] ?? config.bucket;
  const policy = config.bucket.slice(database.length + 1);

  function exchange(request: Exchange): Promise<Answer> {
    if (closing.signal.aborted) return Promise.reject(influxError('INFLUX_CLOSED'));
    const given = new AbortController();
    const end = (): void => given.abort();
    const deadline = clock.schedule(request.timeoutMs, end);
    closing.signal.addEventListener('abort', end);
    return send({ transport, answerBytesMax: config.answerBytesMax }, request, given)
      .catch((error: unknown) => {
        if (closing.signal.aborted) throw influxError('INFLUX_CLOSED', {}, error);
        if (error instanceof CodedError) throw error;
        throw influxError('INFLUX_UNREACHABLE', { url: config.url }, error);
      })
      .finally(() => {
        deadline.cancel();
        closing.signal.removeEventListener('abort', end);
      });
  }

  async function query(text: string, timeoutMs: number): Promise<QueryResults | undefined> {
    const fields = new URLSearchParams({ db: database, epoch: 'ns', q: text });
    if (policy !== '') fields.set('rp', policy);
    const answer = await exchange({
      path: '/query',
      body: fields.toString(),
      contentType: 'application/x-www-form-urlencoded',
      gzip: false,
      timeoutMs,
    });
    if (answer.status !== okStatus) throw refusalOf(answer, config);
    return resultsOf(answer.body);
  }

  return {
    write(body) {
      const query = new URLSearchParams({
        org: config.org,
        bucket: config.bucket,
        precision: 'ns',
      });
      return exchange({
        path: `/api/v2/write?${query.toString()}`,
        body,
        contentType: 'text/plain; charset=utf-8',
        gzip: config.compression === 'gzip',
        timeoutMs: config.requestTimeoutMs,
      });
    },
    async ask(statements) {
      const results = await query(statements.join(';'), config.requestTimeoutMs);
      if (results?.length === statements.length) return results.map(tablesOf);
      throw influxError('INFLUX_ANSWER', { statements: statements.length });
    },
    async drop(measurement) {
      // 2.7 answers it with an empty object.
      await query(`DROP MEASUREMENT "${measurement}"`, config.dropTimeoutMs);
    },
    close() {
      closing.abort();
      agent.destroy();
    },
  };
}

interface Sending {
  readonly transport: Transport;
  readonly answerBytesMax: number;
}

/** Settles once; what comes behind a deadline is let go with the socket. */
function send(
  { transport, answerBytesMax }: Sending,
  { path, body, contentType, gzip }: Exchange,
  given: AbortController,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    let status = 0;
    let retryAfter: string | undefined;
    const options = {
      method: 'POST',
      headers: { 'content-type': contentType, accept: 'application/json' },
      signal: given.signal,
      ...(gzip ? { gzipThreshold: gzipBytesMin } : {}),
    };
    transport.send(path, body, options, {
      responseStarted(headers, statusCode = 0) {
        status = statusCode;
        retryAfter = headers['retry-after']?.toString();
      },
      next(chunk) {
        bytes += chunk.length;
        if (bytes <= answerBytesMax) {
          chunks.push(chunk);
          return;
        }
        reject(influxError('INFLUX_ANSWER_TOO_LARGE', { answerBytesMax }));
        given.abort();
      },
      complete() {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({ status, body: text, retryAfterMs: waitOf(retryAfter, Number.NaN) });
      },
      error(error) {
        if (!(error instanceof HttpError)) return reject(error);
        const asked = error.headers?.['retry-after']?.toString();
        const date = Date.parse(error.headers?.['date']?.toString() ?? '');
        const told = { status: error.statusCode, body: error.body ?? error.message };
        resolve({ ...told, retryAfterMs: waitOf(asked, date) });
      },
    });
  });
}

const secondMs = 1_000;

/** Retry-After is seconds, or a date: counted from the date of the answer, not from our clock. */
function waitOf(asked: string | undefined, answeredAt: number): number {
  if (asked === undefined) return Number.NaN;
  if (/^\d+$/.test(asked)) return Number(asked) * secondMs;
  return Math.max(0, Date.parse(asked) - answeredAt);
}

const okStatus = 200;
const answerShownMax = 500;
const statuses = { badRequest: 400, notAllowed: 401, forbidden: 403, missing: 404 } as const;

/** What an answer that is no success says, by name. */
export function refusalOf(
  { status, body }: Answer,
  { url, org, bucket }: Pick<InfluxConfig, 'url' | 'org' | 'bucket'>,
): CodedError {
  const answer = body.slice(0, answerShownMax);
  const told = { url, org, bucket, status, answer };
  switch (status) {
    case statuses.notAllowed:
    case statuses.forbidden:
      return influxError('INFLUX_NOT_ALLOWED', { key: 'cluster.influx.token', ...told });
    case statuses.missing:
      return influxError('INFLUX_BUCKET_MISSING', { key: 'cluster.influx.bucket', ...told });
    case statuses.badRequest:
      return influxError('INFLUX_ANSWER', { url, status, answer });
    default:
      return influxError('INFLUX_BUSY', { url, status, answer });
  }
}

interface QueryResult {
  readonly error?: string;
  readonly series?: readonly (Partial<Table> & { readonly partial?: boolean })[];
}
type QueryResults = readonly QueryResult[];

/** One result for each statement; INFLUX_BUSY with what a statement failed for. */
function resultsOf(body: string): QueryResults | undefined {
  let parsed: { readonly results?: QueryResults; readonly error?: string };
  try {
    parsed = JSON.parse(body) as typeof parsed;
  } catch (error) {
    throw influxError('INFLUX_ANSWER', { answer: body.slice(0, answerShownMax) }, error);
  }
  const { results = [] } = parsed;
  const failed = parsed.error ?? results.find(({ error }) => error !== undefined)?.error;
  if (failed !== undefined) throw influxError('INFLUX_BUSY', { status: okStatus, answer: failed });
  return parsed.results;
}

function tablesOf({ series = [] }: QueryResult): Table[] {
  return series.map(({ name = '', tags = {}, columns = [], values = [], partial = false }) => {
    // `max-row-limit` of the server cuts answers: a cut one must not pass for the end.
    if (partial) throw influxError('INFLUX_ANSWER', { setting: 'max-row-limit', name });
    return { name, tags, columns, values };
  });
}
