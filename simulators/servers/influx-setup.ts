/** The first words to a fresh InfluxDB: who may use it, and where its points go. */
import type { Random } from '../../devices/random.ts';
import type { InfluxAddress } from './addresses.ts';

const answerMsMax = 10_000;
const user = 'quantrac';
const database = 'quantrac';

/** At least this version's eight characters, and none that its query language or a shell would take for its own. */
export const makeSecret = (random: Random): string => Buffer.from(random.bytes(24)).toString('hex');

/**
 * One administrator, and a database with its retention policy `autogen`. Clients of the v2 API name them
 * as token `user:password` and bucket `database/policy`; the organisation is not looked at.
 */
export async function setUpInflux1(url: string, random: Random): Promise<InfluxAddress> {
  const password = makeSecret(random);
  const token = `${user}:${password}`;
  await ask1(url, `CREATE USER "${user}" WITH PASSWORD '${password}' WITH ALL PRIVILEGES`);
  await ask1(url, `CREATE DATABASE "${database}"`, token);
  return { url, token, org: 'quantrac', bucket: `${database}/autogen` };
}

/** One user, organisation, bucket without end of retention, and a token that may do everything. */
export async function setUpInflux2(url: string, random: Random): Promise<InfluxAddress> {
  const [password, token] = [makeSecret(random), makeSecret(random)];
  const org = 'quantrac';
  const bucket = 'observations';
  await answered(
    fetch(`${url}/api/v2/setup`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username: user, password, org, bucket, token }),
      signal: AbortSignal.timeout(answerMsMax),
    }),
  );
  return { url, token, org, bucket };
}

/** Whether the server serves now: both versions answer here once their storage is open. */
export async function influxAnswers(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/health`, { signal: AbortSignal.timeout(answerMsMax) });
  await answer.arrayBuffer();
  return answer.ok;
}

/** Statements of version 1 that fail say so in an answer of status 200. */
async function ask1(url: string, statement: string, token?: string): Promise<void> {
  const text = await answered(
    fetch(`${url}/query`, {
      method: 'POST',
      headers: token === undefined ? {} : { authorization: `Token ${token}` },
      body: new URLSearchParams({ q: statement }),
      signal: AbortSignal.timeout(answerMsMax),
    }),
  );
  if (text.includes('"error"')) throw new Error(`${url} refused a statement: ${text}`);
}

async function answered(asked: Promise<Response>): Promise<string> {
  const answer = await asked;
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${answer.url} answered ${answer.status}: ${text}`);
  return text;
}
