import { describe, expect, it, onTestFinished } from 'vitest';
import { noTotals, type Batch } from '../../../ingest/observations/batch.ts';
import { encodeBatch } from '../../../ingest/observations/batch-codec.ts';
import { followFromZero } from './feed.ts';
import { startLife, type ServerLife } from './life.ts';
import { markerOf, type Message } from './message.ts';
import { judgeRun } from './promises.ts';
import { settle } from './run.ts';
import { openSpineNetwork, spineConfig } from './seeds.ts';
import { spineStartAt } from './network.ts';
import { openWorld, type World } from './world.ts';
import { plainForm, writeMessage, type Draft } from './write-message.ts';

/** A server that took two messages of one station, with nothing gone wrong. */
async function openStanding(): Promise<{ world: World; life: ServerLife }> {
  const network = openSpineNetwork();
  const world = openWorld({ seed: 1, network });
  const life = startLife({ world, number: 1, config: spineConfig, death: null, lookMsMax: 0 });
  onTestFinished(async () => {
    await life.close();
    life.bury();
    world.close();
    network.close();
  });
  await settle();
  for (const message of [markerOf(1), markerOf(2), told(24), told(25)])
    await send(world, life, message);
  return { world, life };
}

async function send(world: World, life: ServerLife, message: Message): Promise<void> {
  world.ledger.sent(message);
  let isKept = false;
  life.receive(message, (kept) => (isKept = kept));
  for (let turn = 0; turn < 50; turn += 1) {
    world.clock.advance(10);
    await settle();
  }
  if (!isKept) throw new Error('the message was not kept');
}

function told(value: number): Message {
  const draft: Draft = {
    device: 'st1.a',
    at: spineStartAt + value,
    fromAt: Number.NaN,
    resultAt: Number.NaN,
    heightMetres: Number.NaN,
    isBackfill: false,
    values: new Map([['pm25', value]]),
  };
  return writeMessage([draft], plainForm);
}

function verdictOf(world: World, life: ServerLife) {
  if (life.parts === null) throw new Error('it is not open');
  return judgeRun(world, life.parts);
}

describe('a run held against the promises', () => {
  it('is right where nothing went wrong', async () => {
    const { world, life } = await openStanding();
    expect(await verdictOf(world, life)).toMatchObject({
      lost: 0,
      invented: 0,
      doubled: 0,
      missing: 0,
      wrong: [],
      acknowledged: 4,
      observations: 2,
    });
  });

  it('is wrong where something was acknowledged that is not in the log', async () => {
    const { world, life } = await openStanding();
    world.ledger.acknowledge(4, { message: told(26), receivedAt: world.clock.now() });
    world.ledger.acknowledge(5, { message: told(25), receivedAt: world.clock.now() });
    const { lost, doubled, wrong } = await verdictOf(world, life);
    expect(lost).toBe(2);
    expect(doubled).toBe(1);
    expect(wrong).toContain('acknowledged reading 5 is lost');
  });

  it('is wrong where a message means something else than what became of it', async () => {
    const { world, life } = await openStanding();
    const { tells } = told(27);
    world.ledger.sent({ ...told(25), tells });
    const { invented, missing } = await verdictOf(world, life);
    expect({ invented, missing }).toEqual({ invented: 1, missing: 1 });
  });
});

describe('a follower of the feed', () => {
  const batch: Batch = {
    publishedAt: 1,
    consumed: 1,
    registryVersion: 1,
    totals: { ...noTotals, readingsControl: 1 },
    rows: [],
    quarantined: [],
    control: [{ position: 1, receivedAt: 1, device: '', kind: 'registry', text: '{}' }],
  };

  function follow(batches: readonly Batch[]) {
    const records = batches.map((each, index) => ({
      position: index + 1,
      body: Buffer.from(encodeBatch(each)),
      rewritten: false,
    }));
    return followFromZero({
      next: 1,
      read: async () => records.splice(0),
      skipDamaged: async () => null,
      seek: () => undefined,
      close: async () => undefined,
    });
  }

  it('finds nothing wrong in batches that say what they count', async () => {
    expect(await follow([batch])).toMatchObject({ batches: 1, consumed: 1, wrong: [] });
  });

  it('sees a reading without an end, and a count without its entry', async () => {
    const skipped = { ...batch, consumed: 3, control: [] };
    const { wrong } = await follow([batch, skipped]);
    expect(wrong).toEqual(['batch 2: readings ended: counted 1, found 3']);
  });

  it('sees positions and times that go back', async () => {
    const { wrong } = await follow([batch, { ...batch, publishedAt: 0, control: [] }]);
    expect(wrong).toEqual(['batch 2: consumed goes back to 1', 'batch 2: publishedAt goes back']);
  });
});
