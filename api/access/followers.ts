/**
 * What followers over MQTT were given by their keys: the broker counts it, and is asked for it when
 * the access log goes round. It knows neither views nor datasets; both are found here, from what the
 * topic filter names.
 */
import { setImmediate } from 'node:timers/promises';

import type { Clock } from '../../devices/clock.ts';
import type { RegistryReader } from '../../devices/registry.ts';
import type { Networks, NetworkView } from '../network.ts';
import { anonymousViewer, viewerOfKey } from '../viewer.ts';
import type { AccessLog } from './log.ts';
import type { Metered } from './meter.ts';

/** As the broker tells it; `broker/given.ts` says what each means. */
interface Given {
  readonly at: number;
  readonly key: string;
  readonly path: string;
  readonly station?: string | undefined;
  readonly slug?: string | undefined;
  readonly status: number;
  readonly requests: number;
  readonly rows: number;
  readonly bytes: number;
}

export interface GivenPage {
  readonly given: readonly Given[];
  readonly dropped: number;
  readonly hasMore: boolean;
}

/** The broker of this node. */
export interface FollowerPort {
  given(): Promise<GivenPage>;
  /** Keys are let go and let in no more: what was given is then the last. */
  closeToKeys(): Promise<void>;
}

export interface FollowerOptions {
  readonly port: FollowerPort;
  readonly log: Pick<AccessLog, 'note' | 'drop'>;
  readonly registry: Pick<RegistryReader, 'tokenOf'>;
  readonly networks: Pick<Networks, 'viewOf'>;
  readonly clock: Clock;
}

/** Of the shape of a filter that only what is open comes through. */
const latestPath = 'open/v1/{stationId}/{slug}';
/** How long an answer is waited for: a broker that hangs must not hold up who reads the log, or a stop. */
const answerMsMax = 10_000;
const lastMsMax = 1_000;
const turnMs = 8;

/** Rejects where the broker does not answer; what it has stays with it. */
export function createFollowerSource(options: FollowerOptions) {
  const { port, log, clock } = options;
  return async (isLast: boolean): Promise<void> => {
    const within = answersWithin(clock, isLast ? lastMsMax : answerMsMax);
    if (isLast) await within(port.closeToKeys());
    let hasMore = true;
    while (hasMore) {
      const page = await within(port.given());
      if (page.dropped > 0) log.drop(page.dropped);
      await notePage(options, page);
      ({ hasMore } = page);
    }
  };
}

async function notePage({ log, clock, ...known }: FollowerOptions, page: GivenPage): Promise<void> {
  let untilMs = clock.monotonicMs() + turnMs;
  for (const given of page.given) {
    log.note(meteredOf(given, viewOf(known, given)));
    if (clock.monotonicMs() < untilMs) continue;
    await setImmediate();
    untilMs = clock.monotonicMs() + turnMs;
  }
}

function meteredOf({ station, slug, ...given }: Given, view: NetworkView): Metered {
  return {
    ...given,
    door: 'mqtt',
    contentType: 'application/json',
    selection: {
      view,
      query: station === undefined ? {} : { station },
      ...(slug === undefined ? {} : { slug }),
    },
    parameters: {},
  };
}

/** Of a key that is no more: what everybody sees. */
function viewOf(
  { registry, networks }: Pick<FollowerOptions, 'registry' | 'networks'>,
  { key, path }: Given,
): NetworkView {
  const credential = path === latestPath ? undefined : registry.tokenOf(key);
  return networks.viewOf(credential === undefined ? anonymousViewer : viewerOfKey(credential));
}

function answersWithin(clock: Clock, ms: number) {
  return <Answer>(answer: Promise<Answer>): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const late = clock.schedule(ms, () => reject(new Error('the broker does not answer')));
      answer.then(resolve, reject).finally(() => late.cancel());
    });
}
