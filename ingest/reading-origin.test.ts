import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createSender } from './decide/rows.ts';
import { at, imbalance, openRoom, rowsOf, settled, type Room } from './room.fixture.ts';

let room: Room;
beforeEach(async () => {
  room = await openRoom();
});
afterEach(() => room.remove());

describe('a reading that came over the bus of a cluster', () => {
  it('is ranked by the node that took it in, and by its place in that node’s log', async () => {
    const origin = { node: 7, position: 5_000_000, sequence: 12 };
    const last = await room.send({ ts: at(10), ta: 21.5 }, { origin });
    const life = await room.open();
    await settled(life, last);
    expect(rowsOf(room, life.store, 't')[0]?.rank).toMatchObject({ node: 7, position: 5_000_000 });
    await life.close();
    const reading = { device: 'd', receivedAt: 1, payload: Buffer.alloc(0) };
    expect(createSender(reading, 9)).toMatchObject({ node: 0, position: 9 });
  });

  it('is quarantined by name where its node could not read it, and counted', async () => {
    const fault = {
      code: 'INGEST_RECORD_FOREIGN',
      detail: 'the header kind is missing',
      readings: 1,
    };
    const last = await room.send('what is this?', { device: '', topic: '', fault });
    const life = await room.open();
    await settled(life, last);
    expect(life.store.quarantine({ limit: 10 })).toMatchObject([
      { position: last, channel: null, code: fault.code, detail: fault.detail, state: 'open' },
    ]);
    expect(life.store.totals.readingsQuarantined).toBe(1);
    expect(imbalance(life.store)).toEqual([0, 0]);
    await life.close();
  });
});
