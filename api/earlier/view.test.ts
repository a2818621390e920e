import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import fc from 'fast-check';
import { expect, test } from 'vitest';

import { createManualClock } from '../../devices/clock-manual.ts';
import { createSeededRandom } from '../../devices/random.ts';
import { generatedNetwork } from '../../devices/registry/fixture-generated.ts';
import type { RegistryFile } from '../../devices/registry-file.ts';
import { openRegistryWriter } from '../../devices/registry-sqlite.ts';
import type { Credential, RegistryWriter } from '../../devices/registry.ts';
import { runAll } from '../../devices/slices.ts';
import { publicPlace } from '../../ingest/observations/public-place.ts';
import { deploymentsOf, deploymentTable } from '../formats/deployment-table.ts';
import {
  datastreamTable,
  ownerTable,
  propertyTable,
  stationTable,
} from '../formats/registry-tables.ts';
import type { Table } from '../formats/table.ts';
import { createNetworks, type NetworkView } from '../network.ts';
import type { Viewer } from '../viewer.ts';
import { earlierView } from './view.ts';

const startAt = Date.UTC(2026, 0, 1);
type Network = Required<RegistryFile>;

/** One registry in memory of the test, and what viewers are shown of it. */
function openNetwork(network: Network) {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-earlier-'));
  const clock = createManualClock(startAt);
  const random = createSeededRandom(9);
  const writer = openRegistryWriter(join(folder, 'registry.db'), { clock, random });
  const change = (file: Partial<RegistryFile>): void => {
    clock.advance(1_000);
    const outcome = writer.importFile({ format: 'quantrac-registry/1', ...file }, 'test');
    expect(outcome).toMatchObject({ ok: true });
  };
  change(network);
  return {
    clock,
    writer,
    change,
    networks: createNetworks(writer),
    close() {
      writer.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const linesOf = <Item>(items: Iterable<Item>, table: Table<Item>): string[] =>
  [...items].map((item) => table.json(item));

/** Every list of the view, as JSON. */
function listsOf(view: NetworkView) {
  const base = 'https://example.org';
  return {
    owners: linesOf(view.owners, ownerTable(view, base)),
    stations: linesOf(view.stations, stationTable(view, base)),
    datastreams: linesOf(view.datastreams, datastreamTable(view, base)),
    properties: linesOf(view.registry.properties.values(), propertyTable(view, base)),
    deployments: linesOf(deploymentsOf(view, view.datastreams), deploymentTable(view, base)),
  };
}

const key = (name: string, more: Partial<Credential>): Viewer => {
  const principal = { kind: 'token', subject: name, role: 'reader', ...more } as const;
  return { principal, key: name, actor: name };
};
const viewers: readonly Viewer[] = [
  { principal: 'anonymous', key: 'anonymous', actor: 'anonymous' },
  key('operator', { role: 'operator' }),
  key('owner', { owner: 'owner-0' }),
];

const visibility = fc.option(fc.constantFrom('open', 'recipients', 'internal'), {
  nil: undefined,
});
const numbers = { which: fc.nat(19), whose: fc.nat(9) };
const steps = fc.record({
  ...numbers,
  what: fc.constantFrom('owner', 'station', 'datastream', 'deployment', 'new'),
  visibility,
  precision: fc.option(fc.constantFrom(500, 2_000), { nil: undefined }),
});
type Step = typeof steps extends fc.Arbitrary<infer Value> ? Value : never;

const histories = fc.record({
  network: generatedNetwork(),
  history: fc.array(steps, { minLength: 1, maxLength: 8 }),
  viewer: fc.constantFrom(...viewers),
  /** After how many of the steps it is asked for. */
  moment: fc.nat(7),
});

/** What decides who sees an entry, and how exactly. */
const rights = ['visibility', 'embargoUntil', 'owner', 'publicPrecisionMetres', 'kind'] as const;

/** Without members that are undefined: the file knows no such. */
function plain<Entry extends object>(entry: Entry): Entry {
  return JSON.parse(JSON.stringify(entry)) as Entry;
}

/** The change of a step: every text that it writes has the step's number. */
function changeOf(network: Network, step: Step, nth: number): Partial<RegistryFile> {
  const { what, which, whose, visibility: seen, precision } = step;
  const name = { vi: `tên ${nth}`, en: `name ${nth}` };
  const attribution = `attribution ${nth}`;
  const of = <Entry>(entries: readonly Entry[], more: object): Entry[] =>
    entries.length === 0 ? [] : [plain({ ...entries[which % entries.length]!, ...more })];
  const texts = { visibility: seen, attribution, licence: `licence-${nth}` };
  const owner = network.owners[whose % network.owners.length]!.id;
  switch (what) {
    case 'owner':
      return { owners: of(network.owners, { ...texts, name }) };
    case 'station':
      return {
        stations: of(network.stations, {
          ...texts,
          name,
          owner,
          latitude: nth,
          publicPrecisionMetres: precision,
        }),
      };
    case 'datastream':
      return { datastreams: of(network.datastreams, { ...texts, intervalMs: 60_000 * (nth + 1) }) };
    case 'deployment':
      return { deployments: of(network.deployments, { serial: `serial ${nth}` }) };
    case 'new':
      return {
        stations: of(network.stations, { ...texts, id: `new-${nth}`, name, owner }),
        datastreams: of(network.datastreams, { id: `new_${nth}`, station: `new-${nth}` }),
      };
  }
}

/** Today's entries with the rights of then, where they existed then. */
function rightsOf(then: Network, now: Network): RegistryFile {
  const with_ = <Entry extends { readonly id: string }>(
    before: readonly Entry[],
    after: readonly Entry[],
  ): Entry[] =>
    after.map((entry) => {
      const old = before.find(({ id }) => id === entry.id) as Record<string, unknown> | undefined;
      if (old === undefined) return entry;
      const kept = rights.filter((name) => name in entry || name in old);
      return plain({ ...entry, ...Object.fromEntries(kept.map((name) => [name, old[name]])) });
    });
  return {
    format: 'quantrac-registry/1',
    owners: with_(then.owners, now.owners),
    stations: with_(then.stations, now.stations),
    datastreams: with_(then.datastreams, now.datastreams),
    devices: now.devices,
    deployments: now.deployments,
  };
}

async function viewAt(
  { writer, networks }: Pick<ReturnType<typeof openNetwork>, 'writer' | 'networks'>,
  viewer: Viewer,
  at: number,
): Promise<NetworkView> {
  const past = await writer.past.at(await writer.past.versionAt(at));
  return runAll(earlierView({ viewer, today: networks.viewOf(viewer), past }));
}

function exported(writer: RegistryWriter): Network {
  return { recipients: [], grants: [], ...(writer.exportFile() as RegistryFile) } as Network;
}

/** Nobody is a person: their texts are of today by another rule. */
const withoutPersons = (network: Network): Network => ({
  ...network,
  owners: network.owners.map((owner) => ({ ...owner, kind: 'state' })),
});

interface Played {
  readonly history: readonly Step[];
  readonly viewer: Viewer;
  readonly moment: number;
}

/** Makes all of the steps; returns what there was, and was shown, at the moment. */
function play(
  { clock, writer, change, networks }: ReturnType<typeof openNetwork>,
  { history, viewer, moment }: Played,
) {
  const now = () => ({
    at: clock.now(),
    lists: listsOf(networks.viewOf(viewer)),
    file: exported(writer),
  });
  let then = now();
  for (const [nth, step] of history.entries()) {
    change(changeOf(exported(writer), step, nth));
    if (nth <= moment) then = now();
  }
  return then;
}

test('whatever has changed since, the lists are as they were answered, where rights are as then', async () => {
  await fc.assert(
    fc.asyncProperty(histories, async ({ network: any, history, viewer, moment }) => {
      const network = withoutPersons(any);
      const opened = openNetwork(network);
      const { writer, change } = opened;
      try {
        const then = play(opened, { history, viewer, moment });
        change(rightsOf(then.file, exported(writer)));
        const asked = await viewAt(opened, viewer, then.at);
        expect(listsOf(asked)).toEqual(then.lists);
      } finally {
        opened.close();
      }
    }),
    { numRuns: 60 },
  );
});

/** Texts and ids of a list, but those of the catalogue. */
function wordsOf({ owners, stations, datastreams, deployments }: ReturnType<typeof listsOf>) {
  const lines = [owners, stations, datastreams, deployments].flat();
  return new Set(lines.flatMap((line) => leavesOf(JSON.parse(line))));
}

/** Texts and numbers, without the names of members. */
function leavesOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [String(value)];
  return Object.values(value).flatMap(leavesOf);
}

/** Places of then, as exactly as they are told today. */
function placesOf(then: Network, now: Network): Set<string> {
  const precisionOf = new Map(now.stations.map((each) => [each.id, each.publicPrecisionMetres]));
  const places = then.stations.map(({ id, latitude, longitude }) =>
    publicPlace(latitude, longitude, precisionOf.get(id)),
  );
  return new Set(places.flatMap(leavesOf));
}

test('nothing is shown that was not shown then or is not today, and nothing that is hidden today', async () => {
  await fc.assert(
    fc.asyncProperty(histories, async ({ network, history, viewer, moment }) => {
      const opened = openNetwork(network);
      const { writer, networks } = opened;
      try {
        const then = play(opened, { history, viewer, moment });
        const today = networks.viewOf(viewer);
        const asked = await viewAt(opened, viewer, then.at);
        const lists = listsOf(asked);
        const told = wordsOf(then.lists).union(wordsOf(listsOf(today)));
        // Counts are of what is there now and was then: no list of today or of then has to have them.
        const counts = new Set(
          lists.owners.map((line) => /"stations":(\d+)/.exec(line)?.[1] ?? ''),
        );
        // So is what terms are inherited of others: of today's, where those of then are not seen today.
        const terms = new Set(['open', 'recipients', 'internal', 'CC-BY-4.0']);
        for (const { licence, attribution } of [...today.stations, ...today.owners]) {
          for (const term of [licence, attribution]) if (term !== undefined) terms.add(term);
        }
        const coarse = placesOf(then.file, exported(writer));
        // An owner of today is told exactly where a station was that was another's.
        const exactly = viewer.key === 'owner';
        const left = [...wordsOf(lists).difference(told)].filter(
          (word) => ![counts, terms, coarse].some((known) => known.has(word)),
        );
        expect(exactly ? [] : left).toEqual([]);
        for (const kind of ['owners', 'stations', 'datastreams'] as const) {
          const existed = new Set(then.file[kind].map(({ id }) => id));
          const seen = new Set(today[kind].map(({ id }) => id));
          const ids = asked[kind].map(({ id }) => id);
          expect(ids.filter((id) => !existed.has(id) || !seen.has(id))).toEqual([]);
        }
        const existed = new Set(then.file.datastreams.map(({ id }) => id));
        const stillSeen = today.datastreams.filter(({ id }) => existed.has(id));
        expect(asked.datastreams.map(({ id }) => id)).toEqual(stillSeen.map(({ id }) => id));
      } finally {
        opened.close();
      }
    }),
    { numRuns: 60 },
  );
});
