/**
 * What is sent to a receiver, and what its answer makes of the webhook. Deliveries of one webhook are
 * made one after another: the next begins where the last one that was received ended. What is done to
 * it by hand while one is under way stands: that one's outcome only tells what was received.
 */
import type { Clock } from '../../devices/clock.ts';
import { CodedError } from '../../devices/coded-error.ts';
import type { Random } from '../../devices/random.ts';
import type { AccessLog } from '../access/log.ts';
import type { ApiContext } from '../context.ts';
import { apiError, statusOf, type ApiErrorCode } from '../errors.ts';
import { readFilter } from '../filter.ts';
import { readChangePage, type ChangePage } from '../../ingest/feed/change-page.ts';
import { followInterest } from '../live/interest.ts';
import type { NetworkView } from '../network.ts';
import { problemOf } from '../problem.ts';
import { anonymousViewer, viewerOfKey, type Viewer } from '../viewer.ts';
import { addressOf, type Resolve } from './address.ts';
import type { ChallengeLimit } from './challenge-limit.ts';
import type { HookEvents } from './events.ts';
import type { Hook, HookStore } from './hook.ts';
import type { Post, PostAnswer } from './post.ts';
import { isSameSecret, messageId, signedHeaders } from './signature.ts';

export interface SendingOptions {
  readonly context: ApiContext;
  readonly clock: Clock;
  readonly store: HookStore;
  readonly events: HookEvents;
  readonly random: Random;
  readonly resolve: Resolve;
  readonly post: Post;
  readonly accessLog: Pick<AccessLog, 'note'>;
}

/** What there is to do for the webhook behind this. */
export type Sent = 'more' | 'caught-up' | 'waits';

export interface Sending {
  /** One message, or none where there is nothing to tell. Never rejects for what a receiver does. */
  next(hook: Hook): Promise<Sent>;
}

/** Tries of a verification; then the webhook waits for its owner. */
const challengesMax = 3;
const notAnswered = 'challenge not answered';
/** Until a verification is tried again whose address has had so many in the hour. */
export const challengeWaitMs = 300_000;
/** In the access log, where the path of a request stands. */
const deliveryPath = 'webhook';
/** For `nextAt` of what is not tried again by itself. */
export const neverAt = Number.MAX_SAFE_INTEGER;

interface Parts extends SendingOptions {
  readonly mayChallenge: ChallengeLimit;
}

export function createSending(options: Parts): Sending {
  return {
    async next(hook) {
      const viewer = viewerOfHook(options.context, hook);
      if (viewer === undefined) return become(options, hook, 'ended', 'key-revoked');
      if (hook.state === 'unverified') return challenge(options, hook);
      if (hook.state === 'expired') return tellExpired(options, hook);
      const isHandled = watch(hook);
      try {
        return await deliver(options, hook, viewer);
      } catch (error) {
        if (isHandled()) return 'waits';
        if (!(error instanceof CodedError) || statusOf(error.code) !== 410) throw error;
        hook.nextAt = 0;
        become(options, hook, 'expired', error.code);
        return 'more';
      }
    },
  };
}

/** Whether anything was done to it by hand since. */
function watch(hook: Hook): () => boolean {
  const { handled } = hook;
  return () => hook.handled !== handled;
}

/** Undefined where the key that it was made with is not valid any more. */
export function viewerOfHook(
  { registry }: Pick<ApiContext, 'registry'>,
  { subject }: Pick<Hook, 'subject'>,
): Viewer | undefined {
  if (subject === null) return anonymousViewer;
  const credential = registry.tokenOf(subject);
  return credential && viewerOfKey(credential);
}

function become(
  { clock, store, events }: SendingOptions,
  hook: Hook,
  state: Hook['state'],
  reason: string | null,
): 'waits' {
  hook.state = state;
  hook.stateSince = clock.now();
  hook.reason = reason;
  store.save(hook);
  events.stateChanged(hook);
  return 'waits';
}

interface Message {
  readonly id: string;
  readonly body: string;
}

function messageOf(clock: Clock, id: string, type: string, dataText: string): Message {
  const timestamp = new Date(clock.now()).toISOString();
  return { id, body: `{"type":"${type}","timestamp":"${timestamp}","data":${dataText}}` };
}

async function addressOfHook(
  { resolve, context: { config } }: SendingOptions,
  hook: Hook,
): Promise<string> {
  const address = await addressOf(new URL(hook.url), resolve, config.hooksLoopback);
  if (address === undefined) throw apiError('API_WEBHOOK_ADDRESS_PRIVATE');
  return address;
}

/** To `address`, or to what the name stands for now. */
async function send(
  options: SendingOptions,
  hook: Hook,
  message: Message & { readonly address?: string },
): Promise<PostAnswer> {
  const { clock, post } = options;
  const { config } = options.context;
  const url = new URL(hook.url);
  const address = message.address ?? (await addressOfHook(options, hook));
  const sentAt = clock.now();
  const isBoth = hook.previousSecret !== null && sentAt < (hook.previousUntil ?? 0);
  const secrets = isBoth ? [hook.secret, hook.previousSecret ?? ''] : [hook.secret];
  return post({
    url,
    address,
    headers: {
      'content-type': 'application/json',
      'user-agent': 'quantrac-webhooks/1',
      ...signedHeaders({ ...message, sentAt }, secrets),
    },
    body: message.body,
    timeoutMs: config.hooksTimeoutMs,
    answerBytesMax: config.hooksAnswerBytesMax,
  });
}

interface Answered {
  readonly answer: PostAnswer | undefined;
  /** Undefined where the receiver took it. */
  readonly failure: string | undefined;
}

async function trySend(
  options: SendingOptions,
  hook: Hook,
  message: Message & { readonly address?: string },
): Promise<Answered> {
  try {
    const answer = await send(options, hook, message);
    hook.lastStatus = answer.status;
    const isTaken = answer.status >= 200 && answer.status < 300;
    return { answer, failure: isTaken ? undefined : `status ${answer.status}` };
  } catch (error) {
    hook.lastStatus = null;
    const code = (error as { readonly code?: unknown }).code;
    return { answer: undefined, failure: typeof code === 'string' ? code : 'no answer' };
  }
}

/** The receiver shows that it wants this: else anybody could have anybody flooded. */
async function challenge(options: Parts, hook: Hook): Promise<Sent> {
  const { clock, random, store, events } = options;
  const challengeText = Buffer.from(random.bytes(24)).toString('base64url');
  const data = JSON.stringify({ challenge: challengeText, webhook: hook.id });
  const id = messageId(hook.id, challengeText);
  const isHandled = watch(hook);
  const address = await addressOfHook(options, hook).catch(() => undefined);
  if (address !== undefined && !options.mayChallenge.reach(address, clock.now())) {
    if (isHandled()) return 'waits';
    hook.nextAt = clock.now() + challengeWaitMs;
    return 'waits';
  }
  const message = messageOf(clock, id, 'webhook.verification', data);
  const { answer, failure } =
    address === undefined
      ? { answer: undefined, failure: notAnswered }
      : await trySend(options, hook, { ...message, address });
  const isAnswered = failure === undefined && isEcho(answer?.body ?? '', challengeText);
  events.challenged(isAnswered);
  if (isAnswered) hook.isVerified = true;
  if (isHandled()) return told(options, hook);
  if (isAnswered) {
    succeed(hook);
    hook.nextAt = 0;
    become(options, hook, 'active', null);
    return 'more';
  }
  // Whoever has shown nothing yet is told nothing of what a name stands for or what answers there.
  if (hook.isVerified) fail(options, hook, failure ?? notAnswered, answer);
  else {
    fail(options, hook, notAnswered, undefined);
    hook.lastStatus = null;
  }
  if (hook.attempts >= challengesMax) return become(options, hook, 'disabled', 'unverified');
  store.note(hook);
  return 'waits';
}

/** The challenge alone, or as the member of a JSON object. */
function isEcho(body: string, challengeText: string): boolean {
  if (isSameSecret(body.trim(), challengeText)) return true;
  try {
    const answer = JSON.parse(body) as { readonly challenge?: unknown } | null;
    return typeof answer?.challenge === 'string' && isSameSecret(answer.challenge, challengeText);
  } catch {
    // Not JSON: not the answer either.
    return false;
  }
}

async function deliver(options: SendingOptions, hook: Hook, viewer: Viewer): Promise<Sent> {
  const { context, clock, store, events } = options;
  const { networks } = context;
  const isHandled = watch(hook);
  const { placed, cursor } = hook;
  const page = await readPage(context, hook, viewer);
  const at = clock.now();
  if (isHandled()) return 'waits';
  if (page === 'outdated') return 'more';
  const { texts, next, atEnd } = page;
  const behind: Sent = atEnd ? 'caught-up' : 'more';
  if (texts.length === 0) {
    if (next !== cursor) store.moved(hook);
    hook.cursor = next;
    return behind;
  }
  const changes = texts.join();
  const data = `{"changes":[${changes}],"cursor":"${next}"}`;
  const message = messageOf(clock, messageId(hook.id, cursor, changes), 'changes', data);
  const answered = await trySend(options, hook, message);
  const { answer, failure } = answered;
  noteTaken(options, hook, {
    at,
    view: networks.viewOf(viewer),
    message,
    rows: texts.length,
    answered,
  });
  const isPlaced = hook.placed !== placed;
  if (failure === undefined) {
    events.delivered('received', texts.length);
    if (!isPlaced) Object.assign(hook, { cursor: next, batch: null });
    hook.deliveredAt = clock.now();
    succeed(hook);
    store.note(hook);
    return behind;
  }
  const isGone = answer?.status === 410;
  events.delivered(isGone ? 'gone' : 'failed', 0);
  if (!isPlaced) hook.batch = texts.length;
  if (isHandled()) return told(options, hook);
  if (isGone) return become(options, hook, 'ended', 'receiver-gone');
  fail(options, hook, failure, answer);
  return disableOrWait(options, hook);
}

/** What was read for other eyes than those of now is outdated. */
async function readPage(
  context: ApiContext,
  hook: Hook,
  viewer: Viewer,
): Promise<ChangePage | 'outdated'> {
  const { config, places, networks } = context;
  const filter = readFilter(hook.filter, config.valuesPerParameterMax);
  const look = followInterest(networks, viewer, filter);
  const view = look();
  const page = await readChangePage(context, {
    from: await places.read(hook.cursor, 'after'),
    limit: hook.batch ?? config.hooksChangesMax,
    charactersMax: hook.batch === null ? config.hooksCharactersMax : Infinity,
    view,
  });
  const isOutdated = look().rows !== view.rows || viewerOfHook(context, hook) === undefined;
  return isOutdated ? 'outdated' : page;
}

interface Delivery {
  readonly at: number;
  readonly view: NetworkView;
  readonly message: Message;
  readonly rows: number;
  readonly answered: Answered;
}

/** How a connection ends that had taken the message, or may have: what came before took nothing. */
const lateFailures: ReadonlySet<string> = new Set([
  'API_WEBHOOK_TIMEOUT',
  'API_WEBHOOK_NO_ANSWER',
  'ECONNRESET',
  'EPIPE',
]);

/** What went out for a key is in its log, as what it reads: status 0 where there was no answer. */
function noteTaken({ accessLog }: SendingOptions, hook: Hook, delivery: Delivery): void {
  const { at, view, message, rows, answered } = delivery;
  const { answer, failure = '' } = answered;
  if (hook.subject === null) return;
  const isSent = answer !== undefined || lateFailures.has(failure);
  accessLog.note({
    at,
    key: hook.subject,
    door: 'webhook',
    path: deliveryPath,
    requests: 1,
    status: answer?.status ?? 0,
    rows: isSent ? rows : 0,
    bytes: isSent ? Buffer.byteLength(message.body) : 0,
    contentType: 'application/json',
    selection: { view, query: hook.filter },
    parameters: {},
  });
}

/** The receiver is told what it cannot have any more; then the webhook waits for its owner. */
async function tellExpired(options: SendingOptions, hook: Hook): Promise<Sent> {
  const { clock, store } = options;
  const { body } = problemOf(apiError(goneCode(hook)));
  const { code, title, detail } = body;
  const data = JSON.stringify({ cursor: hook.cursor, code, title, detail });
  const message = messageOf(clock, messageId(hook.id, hook.cursor), 'changes.expired', data);
  const isHandled = watch(hook);
  const { answer, failure } = await trySend(options, hook, message);
  if (isHandled()) return told(options, hook);
  if (failure === undefined || answer?.status === 410) {
    succeed(hook);
    hook.nextAt = neverAt;
    store.note(hook);
    return 'waits';
  }
  fail(options, hook, failure, answer);
  return disableOrWait(options, hook);
}

/** What was learnt is kept; what is to become of the webhook was decided by hand meanwhile. */
function told({ store }: SendingOptions, hook: Hook): 'waits' {
  store.note(hook);
  return 'waits';
}

function goneCode({ reason }: Hook): ApiErrorCode {
  return reason === 'API_CURSOR_STORE_UNKNOWN' ? reason : 'API_CURSOR_EXPIRED';
}

function succeed(hook: Hook): void {
  hook.attempts = 0;
  hook.failingSince = null;
  hook.lastFailure = null;
}

function fail(
  { clock, random, context: { config } }: SendingOptions,
  hook: Hook,
  failure: string,
  answer: PostAnswer | undefined,
): void {
  const nowAt = clock.now();
  hook.failingSince ??= nowAt;
  hook.lastFailure = failure;
  const doubled = Math.min(config.hooksRetryMsMax, config.hooksRetryMsMin * 2 ** hook.attempts);
  hook.attempts += 1;
  // Between half and all of it, so that receivers that failed together do not come back together.
  const waitMs = Math.round(doubled * (0.5 + random.next() / 2));
  const askedMs = /^\d{1,6}$/.test(answer?.retryAfter ?? '')
    ? Number(answer?.retryAfter) * 1_000
    : 0;
  hook.nextAt = nowAt + Math.min(config.hooksRetryMsMax, Math.max(waitMs, askedMs));
}

function disableOrWait(options: SendingOptions, hook: Hook): 'waits' {
  const { clock, store, context } = options;
  const failingMs = clock.now() - (hook.failingSince ?? clock.now());
  if (failingMs >= context.config.hooksFailingMsMax) {
    return become(options, hook, 'disabled', 'failing');
  }
  store.note(hook);
  return 'waits';
}
