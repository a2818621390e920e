/**
 * A CKAN for tests, over real HTTP: the four package actions in CKAN's envelope, as strict as CKAN's
 * validators are about what is sent here, and able to lie in every way that networks do.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { openSystemClock } from '../../devices/clock-system.ts';

/** What happens to the next call. `after`: it is done, and the answer is wrong or lost. */
export const faults = [
  'none',
  'error before',
  'error after',
  'lost after',
  'hang before',
  'hang after',
  'late',
  'page 404',
  'lock',
  'other package',
  'no rights',
] as const;
export type Fault = (typeof faults)[number];

export interface TestPackage {
  readonly id: string;
  name: string;
  state: string;
  extras: readonly { readonly key: string; readonly value: string }[];
  [member: string]: unknown;
}

export interface TestCkan {
  readonly url: string;
  /** Also those that were deleted: their names stay taken. */
  readonly packages: TestPackage[];
  readonly calls: string[];
  /** Of the next calls, in order; then none. */
  readonly faults: Fault[];
  key: string;
  close(): Promise<void>;
}

interface Outcome {
  readonly status: number;
  readonly body: object;
}

/** Longer than the caller waits. */
const lateMs = 120;

export async function openCkan(): Promise<TestCkan> {
  const packages: TestPackage[] = [];
  const calls: string[] = [];
  const pending: Fault[] = [];
  const server = createServer((request, response) => {
    void answer(request, response);
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const parameters = JSON.parse(Buffer.concat(chunks).toString('utf8')) as TestPackage;
    const action = request.url?.replace('/portal/api/3/action/', '') ?? '';
    calls.push(action);
    const fault = pending.shift() ?? 'none';
    const run = () => doAction(packages, action, parameters);
    if (fault === 'no rights' || request.headers.authorization !== ckan.key) {
      return send(response, failed(403, 'Authorization Error', { message: 'Access denied' }));
    }
    misbehave(response, fault, run);
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const ckan: TestCkan = {
    url: `http://127.0.0.1:${port}/portal`,
    packages,
    calls,
    faults: pending,
    key: 'secret-key',
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return ckan;
}

function misbehave(response: ServerResponse, fault: Fault, run: () => Outcome): void {
  if (fault === 'error before') return sendText(response, 500, 'Internal Server Error');
  if (fault === 'hang before') return;
  if (fault === 'page 404') return sendText(response, 404, '<html>Not Found Error</html>');
  if (fault === 'lock') return send(response, failed(409, 'Search Index Error', {}));
  if (fault === 'late') {
    openSystemClock().schedule(lateMs, () => send(response, run()));
    return;
  }
  const outcome = run();
  if (fault === 'none') return send(response, outcome);
  if (fault === 'error after') return sendText(response, 502, 'Bad Gateway');
  if (fault === 'lost after') return void response.destroy();
  if (fault === 'other package') {
    const result = { id: 'other', name: 'other', extras: [] };
    return send(response, { status: 200, body: { success: true, result } });
  }
}

function send(response: ServerResponse, { status, body }: Outcome): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/html' }).end(text);
}

function failed(status: number, type: string, error: object): Outcome {
  return { status, body: { success: false, error: { __type: type, ...error } } };
}

function doAction(packages: TestPackage[], action: string, given: TestPackage): Outcome {
  const done = (result: unknown): Outcome => ({ status: 200, body: { success: true, result } });
  const found = packages.find(({ id, name }) => id === given.id || name === given.id);
  if (action === 'package_create') {
    if (given.id !== undefined) return invalid('id', 'The input field id was not expected.');
    const wrong = validate(given);
    if (wrong !== undefined) return wrong;
    if (packages.some(({ name }) => name === given.name)) {
      return invalid('name', 'That URL is already in use.');
    }
    const made = { ...given, id: `there-${packages.length + 1}` };
    packages.push(made);
    return done(made);
  }
  if (found === undefined) return failed(404, 'Not Found Error', { message: 'Not found' });
  if (action === 'package_show') return done(found);
  if (action === 'package_delete') {
    found.state = 'deleted';
    return done(null);
  }
  const wrong = validate(given);
  if (wrong !== undefined) return wrong;
  packages[packages.indexOf(found)] = { ...given, id: found.id };
  return done(packages.find(({ id }) => id === found.id));
}

function invalid(field: string, message: string): Outcome {
  return failed(409, 'Validation Error', { [field]: [message] });
}

/** As `name_validator`, `package_name_validator`, `tag_name_validator` of CKAN 2.10 have it. */
function validate(given: TestPackage): Outcome | undefined {
  if (!/^[a-z0-9_-]{2,100}$/.test(given.name)) return invalid('name', 'Must be purely lowercase');
  const tags = (given['tags'] ?? []) as { readonly name: string }[];
  const bad = tags.find(({ name }) => !/^[\p{L}\p{N}\p{M} ._-]{2,100}$/u.test(name));
  if (bad !== undefined) return invalid('tags', `Tag "${bad.name}" is not right`);
  const keys = given.extras.map(({ key }) => key);
  if (new Set(keys).size < keys.length) return invalid('extras', 'Duplicate key');
  return undefined;
}
