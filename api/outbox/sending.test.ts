import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { openSystemClock } from '../../devices/clock-system.ts';
import type { Database } from '../../devices/database.ts';
import { createSeededRandom } from '../../devices/random.ts';
import { createRecordedTelemetry } from '../../devices/telemetry-silent.ts';
import { openTestApi, type TestApi } from '../api.fixture.ts';
import { createCatalogue } from '../catalogue/catalogue.ts';
import { catalogueConfig } from '../catalogue/config.ts';
import { datasetsOf } from '../catalogue/datasets.ts';
import { publisherOf } from '../catalogue/dcat/publisher.ts';
import type { FileSource } from '../catalogue/files.ts';
import { createPost } from '../hooks/post.ts';
import { openKept } from '../kept/kept.ts';
import { createNetworks } from '../network.ts';
import { viewerOf } from '../viewer.ts';
import { createCkanAdapter } from './ckan-adapter.ts';
import { createCkanCall } from './ckan-call.ts';
import { faults, openCkan, type Fault, type TestCkan } from './ckan.fixture.ts';
import { createOutboxEvents } from './events.ts';
import { createSending, type Sending } from './sending.ts';
import { createOutboxStore, type OutboxStore } from './store.ts';

const base = 'https://quantrac.example';
const dayMs = 86_400_000;
const noFiles: FileSource = { filesOf: () => [], changedAt: () => undefined };

let rig: TestApi;
let ckan: TestCkan;
let folder: string;
let database: Database;
let nowAt = 0;

beforeAll(async () => {
  rig = await openTestApi();
});
afterAll(() => rig.close());
beforeEach(async () => {
  ckan = await openCkan();
  folder = mkdtempSync(join(tmpdir(), 'quantrac-outbox-'));
  database = openKept(join(folder, 'feeds.db'), 1_000);
  nowAt = Date.UTC(2024, 5, 1);
  show('garden', 'open');
});
afterEach(async () => {
  database.close();
  rmSync(folder, { recursive: true });
  await ckan.close();
});

function show(station: string, visibility: string, name = station): void {
  const { stations } = rig.registry.exportFile() as { stations: { id: string }[] };
  const found = stations.find(({ id }) => id === station);
  rig.registry.importFile(
    {
      format: 'quantrac-registry/1',
      stations: [{ ...found, visibility, name: { vi: name, en: name } }],
    },
    'test',
  );
}

function renameOwner(name: string): void {
  const owner = { id: 'agency', name: { vi: name, en: name }, kind: 'state' };
  rig.registry.importFile({ format: 'quantrac-registry/1', owners: [owner] }, 'test');
}

interface Process {
  readonly sending: Sending;
  readonly store: OutboxStore;
  /** As kill -9: nothing is written any more, whatever answers still come. */
  kill(): void;
}

/** A portal that is silent is given up after `timeoutMs`: short where it is made to be. */
function start(namePrefix = '', timeoutMs = 60): Process {
  const clock = { ...openSystemClock(), now: () => nowAt };
  const config = catalogueConfig.parse({});
  const kept = createOutboxStore(database, 'portal');
  let isKilled = false;
  const unlessKilled =
    <Args extends unknown[]>(write: (...args: Args) => void) =>
    (...args: Args) => {
      if (!isKilled) write(...args);
    };
  const store = {
    ...kept,
    want: unlessKilled(kept.want),
    begin(item: Parameters<OutboxStore['begin']>[0]) {
      // Whoever is dead sends nothing either.
      if (isKilled) throw new Error('killed');
      kept.begin(item);
    },
    confirm: unlessKilled(kept.confirm),
    fail: unlessKilled(kept.fail),
  };
  const call = createCkanCall({
    url: ckan.url,
    readKey: async () => 'secret-key',
    resolve: async () => ['127.0.0.1'],
    post: createPost(openSystemClock()),
    timeoutMs,
    answerBytesMax: 1_000_000,
  });
  const adapter = createCkanAdapter(call, {
    base,
    publisher: publisherOf(config, base),
    organization: 'so-tai-nguyen',
    namePrefix,
  });
  const parts = { config: { catalogue: config }, clock, store: rig.store };
  const sending = createSending({
    context: { networks: createNetworks(rig.registry), registry: rig.registry },
    catalogue: createCatalogue(parts as never, rig.registry as never, noFiles),
    adapter,
    store,
    clock,
    random: createSeededRandom(1),
    events: createOutboxEvents(createRecordedTelemetry()),
    config: { retryMsMin: 10_000, retryMsMax: dayMs / 4 },
    base,
  });
  return {
    sending,
    store,
    kill() {
      isKilled = true;
    },
  };
}

/** Until nothing is left to do, as time goes by. */
async function settle({ sending, store }: Process): Promise<void> {
  for (let round = 0; round < 50; round += 1) {
    await sending.compare();
    while (await sending.sendNext());
    if (store.items().every(({ state }) => state === 'done')) return;
    nowAt += dayMs;
  }
  throw new Error(JSON.stringify(store.items()));
}

function openDatasets(): string[] {
  const view = createNetworks(rig.registry).viewOf(viewerOf(rig.registry, undefined));
  return datasetsOf(view).networks.map(({ id }) => `${base}/id/dataset/${id}`);
}

function uriOf({ extras }: TestCkan['packages'][number]): string | undefined {
  return extras.find(({ key }) => key === 'uri')?.value;
}

/** What is at the portal and not deleted, by the address of the dataset. */
function there(): string[] {
  return ckan.packages
    .filter(({ state }) => state !== 'deleted')
    .map((each) => uriOf(each) ?? '')
    .toSorted();
}

describe('the outbox', () => {
  test('brings every open dataset to the portal, its changes, and takes it away again', async () => {
    const process = start('', 20_000);
    await settle(process);
    expect(there()).toEqual(openDatasets());
    expect(there()).toContain(`${base}/id/dataset/factory~weather`);
    expect(ckan.packages[0]).toMatchObject({
      owner_org: 'so-tai-nguyen',
      private: false,
      license_id: 'CC-BY-4.0',
      resources: expect.arrayContaining([expect.objectContaining({ format: 'CSV' })]),
    });
    const calls = ckan.calls.length;
    await settle(process);
    expect(ckan.calls.length).toBe(calls);
    renameOwner(`Sở ${nowAt}`);
    await settle(process);
    const renamed = ckan.packages.filter(({ title }) => String(title).includes(String(nowAt)));
    expect(renamed.map((each) => uriOf(each) ?? '').toSorted()).toEqual(
      openDatasets().filter((uri) => uri.includes('agency')),
    );
    show('garden', 'internal');
    await settle(process);
    expect(there()).not.toContain(`${base}/id/dataset/factory~weather`);
    expect(there()).toEqual(openDatasets());
    show('garden', 'open');
    await settle(process);
    expect(there()).toEqual(openDatasets());
    expect(ckan.packages).toHaveLength(openDatasets().length);
    const actions = process.store.receipts('factory~weather', 10).map(({ action }) => action);
    expect(actions).toEqual(['changed', 'withdrawn', 'created']);
  });

  test('submits nothing of what is not open', async () => {
    await settle(start());
    expect(JSON.stringify(ckan.packages)).not.toMatch(/hidden|shared/);
  });

  test('whatever the portal and the network do, and whenever it is killed, each dataset is there once, as it is here', async () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...faults).map((fault) => ({ fault })) },
      { weight: 2, arbitrary: fc.constant({ change: 'garden' as const }) },
      { weight: 2, arbitrary: fc.constant({ change: 'agency' as const }) },
      { weight: 2, arbitrary: fc.constant({ kill: true }) },
    );
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        ckan.packages.length = 0;
        ckan.faults.length = 0;
        runs += 1;
        const foreign = { id: 'x', name: 'somebody-else', state: 'active', extras: [] };
        ckan.packages.push({ ...foreign });
        database.exec('DELETE FROM outbox_item');
        database.exec('DELETE FROM outbox_followed');
        let process = start();
        for (const [at, each] of steps.entries()) {
          if ('fault' in each) ckan.faults.push(each.fault);
          if ('change' in each && each.change === 'garden') {
            show('garden', at % 2 === 0 ? 'internal' : 'open', `${runs} ${at}`);
          }
          if ('change' in each && each.change === 'agency') renameOwner(`${runs} ${at}`);
          await process.sending.compare();
          const sent = process.sending.sendNext();
          if ('kill' in each) {
            process.kill();
            process = start();
          }
          await sent;
          nowAt += 3_600_000;
        }
        ckan.faults.length = 0;
        await settle(process);
        expect(there()).toEqual(['', ...openDatasets()].toSorted());
        const uris = ckan.packages.map(uriOf);
        expect(new Set(uris).size).toBe(uris.length);
        expect(ckan.packages[0]).toEqual(foreign);
        for (const { dataset, wanted, confirmed } of process.store.items()) {
          expect([dataset, confirmed]).toEqual([dataset, wanted]);
          const uri = `${base}/id/dataset/${dataset}`;
          const found = ckan.packages.find((each) => uriOf(each) === uri);
          const hash = found?.extras.find(({ key }) => key === 'quantrac_hash')?.value;
          expect([dataset, found?.state === 'active' ? hash : null]).toEqual([
            dataset,
            found === undefined ? null : wanted,
          ]);
        }
      }),
      { numRuns: 60 },
    );
  });

  test.each(faults.filter((fault) => fault !== 'none'))(
    'tries again later after "%s", and notes what was said',
    async (fault: Fault) => {
      const process = start();
      await process.sending.compare();
      ckan.faults.push('none', fault);
      await process.sending.sendNext();
      const [item] = process.store.items();
      expect(item).toMatchObject({ state: 'waiting', attempts: 1, confirmed: null });
      expect(item?.nextAt).toBeGreaterThanOrEqual(nowAt + 5_000);
      expect(item?.nextAt).toBeLessThanOrEqual(nowAt + 10_000);
      const [receipt] = process.store.receipts(item?.dataset, 1);
      expect(receipt).toMatchObject({ action: 'failed', at: nowAt });
      expect(receipt?.answer).not.toBe('');
      await settle(process);
      expect(ckan.packages.filter(({ name }) => name.startsWith('agency-air'))).toHaveLength(1);
    },
  );

  test('waits longer with each failure, up to a bound', async () => {
    const process = start();
    await process.sending.compare();
    const waits: number[] = [];
    const dataset = process.store.items()[0]?.dataset;
    for (let failure = 0; failure < 16; failure += 1) {
      ckan.faults.push('error before');
      await process.sending.sendNext();
      const item = process.store.items().find((each) => each.dataset === dataset);
      waits.push((item?.nextAt ?? 0) - nowAt);
      // Only this one is due.
      database.exec(`UPDATE outbox_item SET state = 'done' WHERE dataset <> '${dataset}'`);
      nowAt = item?.nextAt ?? nowAt;
    }
    expect(waits[0]).toBeLessThanOrEqual(10_000);
    expect(waits[5]).toBeGreaterThan(100_000);
    expect(Math.max(...waits)).toBeLessThanOrEqual(dayMs / 4);
  });

  test('goes on when a clock that was ahead is mended', async () => {
    const process = start();
    const mendedAt = nowAt;
    nowAt += 10 * 365 * dayMs;
    await process.sending.compare();
    for (const _each of openDatasets()) ckan.faults.push('error before');
    while (await process.sending.sendNext());
    expect(there()).toEqual([]);
    nowAt = mendedAt;
    while (await process.sending.sendNext());
    expect(there()).toEqual(openDatasets().toSorted());
  });

  test('never touches a package of somebody else that has the name: it says so and waits', async () => {
    const name = 'agency-weather';
    const foreign = { id: 'x', state: 'active', extras: [{ key: 'uri', value: 'https://other' }] };
    const process = start();
    await process.sending.compare();
    await settle(process);
    const taken = ckan.packages.find((each) => each.name.startsWith(name))?.name ?? '';
    ckan.packages.length = 0;
    ckan.packages.push({ ...foreign, name: taken });
    database.exec('DELETE FROM outbox_item');
    await process.sending.compare();
    while (await process.sending.sendNext());
    const item = process.store.items().find(({ dataset }) => dataset === 'agency~weather');
    expect(item).toMatchObject({ state: 'refused', confirmed: null });
    expect(ckan.packages[0]).toEqual({ ...foreign, name: taken });
    // A refused one is left alone until it changes, or an operator has it tried again.
    nowAt += 10 * dayMs;
    expect(await process.sending.sendNext()).toBe(false);
    ckan.packages.length = 0;
    expect(process.store.retry('agency~weather', nowAt)).toBe(1);
    expect(await process.sending.sendNext()).toBe(true);
    expect(ckan.packages.map(uriOf)).toContain(`${base}/id/dataset/agency~weather`);
  });

  test('withdraws nothing for a registry that has not caught up', async () => {
    const process = start();
    await settle(process);
    const before = there();
    database.exec('UPDATE outbox_followed SET version = 9000');
    show('garden', 'internal');
    await process.sending.compare();
    expect(await process.sending.sendNext()).toBe(false);
    expect(there()).toEqual(before);
  });
});
