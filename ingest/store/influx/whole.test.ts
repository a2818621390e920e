/** How far the sink says that InfluxDB has all rows: what nodes rely on when they let go of theirs. */
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { openSystemClock } from '../../../devices/clock-system.ts';
import type { GroupOffset, Kafka } from '../../log/kafka/kafka.ts';
import { openConnection } from './connection.ts';
import { notedPositions } from './feeds.ts';
import { topic } from './influx.fixture.ts';
import { noteOf } from './notes.ts';
import {
  closeAll,
  group,
  notesIn,
  openScene,
  stored,
  turn,
  until,
  untilNoted,
  type Scene,
} from './sink.fixture.ts';
import { rebuildView } from './view.ts';

afterEach(closeAll);

async function rebuild({ kafka, config, events }: Scene): Promise<void> {
  const connection = openConnection({ config, token: 't', clock: openSystemClock() });
  await rebuildView({ kafka, connection, config, events, group, topic });
  connection.close();
}

/** Whatever a note of any sink says is whole, and is not. */
function watchNotes(scene: Scene): string[] {
  const wrong: string[] = [];
  const connect = scene.server.connect.bind(scene.server);
  const check = ({ partition, ...noted }: GroupOffset): void => {
    const { whole } = noteOf(noted);
    const there = stored(scene);
    const lines = scene.linesOf[partition]!.slice(0, whole).flat();
    if (whole > scene.worlds[partition]!.end)
      wrong.push(`${partition}: ${whole} is not written yet`);
    wrong.push(...lines.filter((line) => !there.has(line)));
  };
  Object.assign(scene.server, {
    connect: (): Kafka => {
      const kafka = connect();
      return {
        ...kafka,
        async noteGroupOffsets(ofGroup, ofTopic, offsets) {
          for (const each of offsets) check(each);
          await kafka.noteGroupOffsets(ofGroup, ofTopic, offsets);
        },
      };
    },
  });
  return wrong;
}

describe('what is whole in InfluxDB', () => {
  it('goes on behind a line that is refused, and notes nothing behind it as whole', async () => {
    const scene = await openScene({ linesMax: 4 });
    const first = scene.open();
    first.assign([0, 1, 2]);
    scene.influx.isPoisoned = (line) => line === scene.linesOf[0]?.[1]?.[2];
    for (let round = 0; round < 12; round++) await scene.publish(round % 3, 3);
    await until(async () => (await notesIn(scene)).get(0) === '1 4');
    await until(async () => (await notesIn(scene)).get(1) === '4');
    await until(async () => (await notesIn(scene)).get(2) === '4');
    expect((await notedPositions(scene.kafka, group, topic)).get(0)).toBe(1);
    expect(scene.influx.points.size).toBe(35);
    const incomplete = () => scene.telemetry.value('quantrac_influx_incomplete_partitions');
    expect(incomplete()).toBe(1);
    await first.close();

    // Another sink takes over, and InfluxDB would take the line by now.
    scene.influx.isPoisoned = () => false;
    const second = scene.open();
    second.assign([0, 1, 2]);
    await scene.publish(0, 3);
    await until(async () => (await notesIn(scene)).get(0) === '1 5');
    expect(scene.influx.points.size).toBe(38);
    expect(incomplete()).toBe(1);
    const told = scene.telemetry.lines.filter(({ level, message }) => {
      return level === 'error' && message.startsWith('the view in InfluxDB lacks rows');
    });
    expect(told.map(({ fields }) => fields)).toEqual([
      { partition: 0, whole: 1, position: expect.any(Number) },
      { partition: 0, whole: 1, position: 4 },
    ]);
    await second.close();

    await rebuild(scene);
    scene.open().assign([0, 1, 2]);
    await untilNoted(scene);
    expect(stored(scene)).toEqual(scene.expected);
    expect(incomplete()).toBe(0);
  });

  it('notes no batch as whole of which a row is not there, whatever is refused or gone', async () => {
    const step = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({ do: fc.constant('publish'), at: fc.nat({ max: 12 }) }),
      },
      {
        weight: 2,
        // One line of so many, from now on; 0: none.
        arbitrary: fc.record({ do: fc.constant('refuse'), at: fc.constantFrom(0, 3, 9, 30) }),
      },
      {
        weight: 4,
        arbitrary: fc.record({
          do: fc.constantFrom('trim', 'die', 'assign', 'both', 'wait', 'wait'),
          at: fc.nat({ max: 9 }),
        }),
      },
    ) as fc.Arbitrary<{ readonly do: string; readonly at: number }>;
    let frozen = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 5, maxLength: 30, size: 'max' }),
        async (steps) => {
          const scene = await openScene({ requestTimeoutMs: 1_000 });
          const wrong = watchNotes(scene);
          let sink = scene.open();
          sink.assign([0, 1, 2]);
          for (const { do: what, at } of steps) {
            if (what === 'publish') await scene.publish(at % 3, at);
            else if (what === 'refuse') {
              scene.influx.isPoisoned = (line) => at > 0 && crc32(line) % at === 0;
            } else if (what === 'trim') {
              scene.server.trim(topic, at % 3, Math.min(at, scene.worlds[at % 3]!.end));
            } else if (what === 'assign') sink.assign([0, 1, 2].filter((own) => own !== at));
            else if (what === 'wait') for (let turns = 0; turns < 5 * at; turns++) await turn();
            else {
              const last = sink;
              sink = scene.open();
              sink.assign([0, 1, 2]);
              if (what === 'die') await last.close();
            }
          }
          sink.assign([0, 1, 2]);
          // Where all was trimmed nothing tells a sink where to go on.
          for (const partition of [0, 1, 2]) await scene.publish(partition, 1);
          const ends = await scene.kafka.ends(topic);
          await until(async () => {
            const noted = await scene.kafka.groupOffsets(group, topic);
            const offsets = new Map(noted.map(({ partition, offset }) => [partition, offset]));
            return ends.every(({ end }, partition) => (offsets.get(partition) ?? 0) >= end);
          });
          await closeAll();
          expect(wrong).toEqual([]);
          frozen += [...(await notesIn(scene)).values()].filter((note) =>
            note.includes(' '),
          ).length;
        },
      ),
      { numRuns: 60 },
    );
    expect(frozen).toBeGreaterThan(0);
  });
});
