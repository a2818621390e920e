/**
 * The first start of the composition: makes every secret, sets InfluxDB up, and gives each service a
 * token that may do no more than it must. Done again it changes nothing that is in order; what is not is
 * made anew. So a start that was cut short, or an InfluxDB whose volume was lost, needs nobody.
 *
 *   <folder>/influxdb/admin-password, admin-token   of the user `quantrac`; no service reads them
 *   <folder>/ingest/influx-token                    reads and writes the bucket
 *   <folder>/reading/influx-token                   reads it: for brokers and apis
 *   <folder>/grafana/influx-token                   reads it
 *   <folder>/grafana/admin-password                 of Grafana's user `admin`
 */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync } from 'node:fs';
import { mkdirSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sleep, type Clock } from '../devices/clock.ts';
import type { Random } from '../devices/random.ts';

export interface PrepareOptions {
  /** Existing folder; each service mounts only its own below it. */
  readonly folder: string;
  readonly url: string;
  readonly org: string;
  readonly bucket: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly tell: (line: string) => void;
  /** How long InfluxDB may take to answer. */
  readonly waitMsMax?: number;
}

/** Read by this program alone, or by whatever user the service has that mounts the folder. */
type Reader = 'own' | 'any';
const modes: Readonly<Record<Reader, number>> = { own: 0o400, any: 0o444 };

const userName = 'quantrac';
const answerMsMax = 10_000;
const retryMs = 500;
const secretBytes = 32;

/** Rejects with a sentence for the operator where it cannot go on. */
export async function prepare(options: PrepareOptions): Promise<void> {
  const { folder } = options;
  const password = keepSecret(options, 'influxdb/admin-password', 'own');
  const token = keepSecret(options, 'influxdb/admin-token', 'own');
  keepSecret(options, 'grafana/admin-password', 'any');
  await untilAnswering(options);
  await setUp(options, { password, token });
  const bucket = await bucketOf(options, token);
  for (const [name, reader, actions] of [
    ['ingest', 'own', ['read', 'write']],
    ['reading', 'own', ['read']],
    ['grafana', 'any', ['read']],
  ] as const) {
    const path = join(folder, name, 'influx-token');
    if (await opens(options, path)) continue;
    const made = await makeToken(options, token, { name, actions, bucket });
    writeWhole(path, made, reader);
    options.tell(`InfluxDB has a token for ${name}: ${actions.join(' and ')} of its bucket`);
  }
}

/** The secret of the file, which is made where it is missing. */
function keepSecret(
  { folder, random, tell }: PrepareOptions,
  name: string,
  reader: Reader,
): string {
  const path = join(folder, name);
  if (existsSync(path)) return readFileSync(path, 'utf8');
  const secret = Buffer.from(random.bytes(secretBytes)).toString('hex');
  writeWhole(path, secret, reader);
  tell(`made ${path}`);
  return secret;
}

/** The file is there with all of it or not at all. */
function writeWhole(path: string, text: string, reader: Reader): void {
  mkdirSync(dirname(path), { recursive: true });
  const unfinished = `${path}.unfinished`;
  // What a start that was cut short left may be read only, even for its owner.
  rmSync(unfinished, { force: true });
  const file = openSync(unfinished, 'w', modes[reader]);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(unfinished, path);
}

async function untilAnswering({ url, clock, waitMsMax = 120_000 }: PrepareOptions): Promise<void> {
  const until = clock.monotonicMs() + waitMsMax;
  for (;;) {
    try {
      const { ok } = await fetch(`${url}/health`, { signal: AbortSignal.timeout(answerMsMax) });
      if (ok) return;
    } catch (error) {
      if (clock.monotonicMs() > until)
        throw new Error(`InfluxDB does not answer at ${url}`, { cause: error });
    }
    await sleep(clock, retryMs);
  }
}

interface Asking {
  readonly method?: 'POST' | 'DELETE';
  readonly token?: string;
  readonly body?: unknown;
}

async function ask({ url }: PrepareOptions, path: string, asking: Asking = {}) {
  const { method = 'GET', token, body } = asking;
  const answer = await fetch(`${url}/api/v2/${path}`, {
    method,
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Token ${token}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(answerMsMax),
  });
  const text = await answer.text();
  return { status: answer.status, text, json: <Answer>() => JSON.parse(text) as Answer };
}

async function setUp(
  options: PrepareOptions,
  secrets: { readonly password: string; readonly token: string },
): Promise<void> {
  const { org, bucket } = options;
  const state = await ask(options, 'setup');
  if (!state.json<{ allowed: boolean }>().allowed) return;
  // No end of retention: the view holds all that was observed.
  const body = { username: userName, org, bucket, retentionPeriodSeconds: 0, ...secrets };
  const answer = await ask(options, 'setup', { method: 'POST', body });
  if (answer.status !== 201) throw new Error(`InfluxDB refused to be set up: ${answer.text}`);
  options.tell(`InfluxDB is set up: organisation ${org}, bucket ${bucket}`);
}

interface Bucket {
  readonly id: string;
  readonly orgID: string;
}

async function bucketOf(options: PrepareOptions, token: string): Promise<Bucket> {
  const { org, bucket, folder, url } = options;
  const path = `buckets?${new URLSearchParams({ org, name: bucket })}`;
  const answer = await ask(options, path, { token });
  if (answer.status === 401) {
    throw new Error(
      `InfluxDB at ${url} was set up with another token than ${join(folder, 'influxdb/admin-token')}: put its own there`,
    );
  }
  const found = answer.status === 200 ? answer.json<{ buckets: Bucket[] }>().buckets[0] : undefined;
  if (found !== undefined) return found;
  throw new Error(`InfluxDB has no bucket ${bucket} of ${org}: ${answer.text}`);
}

/** Whether the file holds a token that InfluxDB takes. */
async function opens(options: PrepareOptions, path: string): Promise<boolean> {
  if (!existsSync(path)) return false;
  const token = readFileSync(path, 'utf8');
  const query = new URLSearchParams({ name: options.bucket });
  const { status, text } = await ask(options, `buckets?${query}`, { token });
  return status === 200 && text.includes(options.bucket);
}

interface WantedToken {
  readonly name: string;
  readonly actions: readonly string[];
  readonly bucket: Bucket;
}

/** One of the same description, of a start that was cut short, is ended. */
async function makeToken(
  options: PrepareOptions,
  token: string,
  { name, actions, bucket }: WantedToken,
): Promise<string> {
  const description = `quantrac: ${name}`;
  const listed = await ask(options, 'authorizations', { token });
  const { authorizations } = listed.json<{
    authorizations: { id: string; description: string }[];
  }>();
  for (const each of authorizations.filter((one) => one.description === description)) {
    await ask(options, `authorizations/${each.id}`, { method: 'DELETE', token });
  }
  const resource = { type: 'buckets', id: bucket.id, orgID: bucket.orgID };
  const permissions = actions.map((action) => ({ action, resource }));
  const body = { orgID: bucket.orgID, description, permissions };
  const answer = await ask(options, 'authorizations', { method: 'POST', token, body });
  if (answer.status !== 201) throw new Error(`InfluxDB made no token for ${name}: ${answer.text}`);
  return answer.json<{ token: string }>().token;
}
