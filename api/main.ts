/**
 * The doors out. `openApi` follows `observations`, answers over HTTP and offers the operators' work
 * as plain functions. Everything from outside comes in through the options; nothing runs at import.
 */
import type { FastifyInstance } from 'fastify';
import { createAccessAdmin } from './access/admin.ts';
import { createFollowerSource } from './access/followers.ts';
import { openJudged } from './access/judged.ts';
import { openAccessLog } from './access/log.ts';
import { addAccessMeter } from './access/meter-hook.ts';
import { createTimeRule } from './access/time-rule.ts';
import { createQuarantineAdmin } from './admin/quarantine.ts';
import { createRegistryAdmin } from './admin/registry.ts';
import { balanceOf } from './balance.ts';
import { readPair, watchPair, type Pair } from './certificate.ts';
import type { ApiContext } from './context.ts';
import { createApiEvents, type ApiEvents } from './events.ts';
import { readReadiness } from './health.ts';
import { openHooks } from './hooks/open.ts';
import { listen } from './limits/acceptors.ts';
import { openPublishing } from './publishing.ts';
import { addPublicMetrics } from './routes/health.ts';
import { createServer } from './server.ts';
import { openUsage } from './usage/usage.ts';
import { addRoutes, healthRoutes } from './add-routes.ts';
import { createContext } from './open-context.ts';
import { isPublishing, type Api, type ApiOptions, type Parts } from './options.ts';

export type { Api, ApiOptions } from './options.ts';

/** How long the start waits for what was durable before; /readyz tells what is still missing. */
const catchUpWaitMs = 10_000;

/** Rejects with API_PORT_IN_USE, API_CERTIFICATE_INVALID or API_KEPT_NEWER; nothing stays open then. */
export async function openApi(options: ApiOptions): Promise<Api> {
  const { config, clock } = options;
  const events = createApiEvents(options.telemetry);
  const pair = await readPair(config, options.readFile);
  const startEnd = options.observations.durableEnd.get();
  const context = createContext(options, events);
  const parts = createParts(options, context, startEnd);
  const publishing = openPublishing(options, context);
  const closers: (() => unknown)[] = [];

  async function close(): Promise<void> {
    context.hub.close();
    parts.timeRule.close();
    const manifestsEnd = context.manifests?.close();
    await publishing.bulk.close();
    parts.registryAdmin.close();
    await Promise.all(closers.map((run) => run()));
    await parts.accessLog.close();
    await parts.usage.close();
    await context.readers.close();
    await context.feed.close();
    context.gate.close();
    // What is being made may have waited for the feed.
    await manifestsEnd;
    context.store.close();
    context.kept.close();
    events.closed();
  }

  try {
    const app = await createServer({ config, clock, events, pair });
    closers.push(() => app.close());
    const addresses: string[] = [];
    app.addHook('onRoute', ({ url, method }) => {
      if ([method].flat().includes('GET')) addresses.push(url);
    });
    context.gate.addTo(app);
    addAccessMeter(app, context, { log: parts.accessLog, usage: parts.usage });
    askFollowers(options, context, parts);
    const hooks = isPublishing(options)
      ? openHooks(context, { ...options, ...options.hooks, ...parts })
      : undefined;
    closers.push(() => hooks?.close());
    await addRoutes(app, context, { options, parts, publishing, hooks });
    await catchUp(context, startEnd, async () => {
      await parts.registryAdmin.markFrom(context.feed.registryVersion);
      await parts.timeRule.follow();
    });
    parts.timeRule.start();
    const isSecure = pair !== null;
    const { platform } = options;
    const doors = await listen(app, { config, port: config.httpPort, isSecure, platform });
    closers.push(() => doors.close());
    const httpPort = doors.port;
    const metrics = await listenForMetrics(options, events, parts);
    if (metrics !== null) closers.push(() => metrics.app.close());
    if (pair !== null) {
      const replace = (next: Pair) => setPair(app, next);
      const watching = watchPair({ ...options, events, initial: pair, replace });
      closers.push(() => watching.stop());
    }
    publishing.bulk.start();
    events.listening(httpPort, pair !== null);
    void context.manifests?.start();
    const ports = { httpPort, ...(metrics === null ? {} : { metricsPort: metrics.port }) };
    const { manifests } = context;
    return { ...parts, ...ports, addresses, manifests, isSecure: pair !== null, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Followers over MQTT are in the access log too, where this process has a broker. */
function askFollowers({ followers: port }: ApiOptions, context: ApiContext, parts: Parts): void {
  const { accessLog: log } = parts;
  if (port !== undefined) log.addSource(createFollowerSource({ ...context, port, log }));
}

function createParts(options: ApiOptions, context: ApiContext, startEnd: number): Parts {
  const { events, feed, store } = context;
  const judged = openJudged({ ...options, ...context });
  const { now: judgedNow } = judged;
  const registryAdmin = createRegistryAdmin({
    ...options,
    changes: options.registryChanges,
    marking: options.registryMarking,
    events,
  });
  return {
    judgedNow,
    registryAdmin,
    access: createAccessAdmin({ ...options, registryAdmin }),
    accessLog: openAccessLog({ ...options, events, judgedNow }),
    usage: openUsage({ ...context, judgedNow }, options.keptPath),
    timeRule: createTimeRule({ ...options, change: registryAdmin.change, events, judgedNow }),
    quarantine: createQuarantineAdmin({ ...options, events }),
    balance: () =>
      options.readings === undefined
        ? undefined
        : balanceOf({
            totals: store.totals,
            consumed: feed.consumed,
            readingsEnd: options.readings.durableEnd,
          }),
    readiness: () => readReadiness({ ...context, judged }, startEnd, options.health),
  };
}

/**
 * Waits until what was durable at the start is followed, then has the registry's version marked, so
 * that what is received from now on is judged by it.
 */
async function catchUp(
  { feed, clock }: ApiContext,
  startEnd: number,
  mark: () => Promise<unknown>,
): Promise<void> {
  let giveUp = (): void => undefined;
  const waited = new Promise<void>((resolve) => {
    giveUp = resolve;
  });
  const scheduled = clock.schedule(catchUpWaitMs, giveUp);
  await Promise.race([feed.waitFor(startEnd).then(mark), waited]);
  scheduled.cancel();
}

async function listenForMetrics(
  options: ApiOptions,
  events: ApiEvents,
  parts: Parts,
): Promise<{ readonly app: FastifyInstance; readonly port: number } | null> {
  const { config, clock } = options;
  if (config.metricsPort === undefined) return null;
  const app = await createServer({ config, clock, events, pair: null });
  addPublicMetrics(app, healthRoutes(options, parts));
  const one = { ...config, doors: 1 };
  const listening = await listen(app, {
    config: one,
    port: config.metricsPort,
    isSecure: false,
    platform: options.platform,
  });
  return { app, port: listening.port };
}

function setPair(
  app: FastifyInstance,
  pair: { readonly cert: Buffer; readonly key: Buffer },
): void {
  const { server } = app as unknown as {
    readonly server: { setSecureContext(context: object): void };
  };
  server.setSecureContext(pair);
}
