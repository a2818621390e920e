/** What operators are answered, for the API description; members may be added. */
import { z } from 'zod';

import { stationStates } from '../admin/stations.ts';

const instant = z.iso.datetime();
const count = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

function list(members: z.ZodRawShape) {
  return z.looseObject({ items: z.array(z.looseObject(members)) });
}

const changed = {
  version: count.describe('Of the registry.'),
  isInForce: z.boolean().describe('False while the log cannot be written: it follows by itself.'),
};

const quarantined = {
  position: count.describe('Place of the reading in the log.'),
  device: z.string(),
  topic: z.string(),
  channel: z.string().nullable().describe('Null: the whole reading.'),
  code: z.string(),
  offset: z.int().min(-1).describe('Byte of the payload where it was noticed, or -1.'),
  detail: z.string(),
  state: z.enum(['open', 'replayed', 'dismissed']),
  receivedAt: instant,
  payloadBytes: count.nullable(),
};

const series = z.looseObject({
  datastream: z.string(),
  newestAt: instant.nullable(),
  intervalsOld: z.number().nullable(),
  flag: z.number().nullable(),
});

export const adminAnswers = {
  changed: z.looseObject(changed),
  imported: z.looseObject({ ...changed, changed: count }),
  token: z.looseObject({ ...changed, id: z.string(), secret: z.string() }),
  provisioned: z.looseObject({
    ...changed,
    devices: z.array(
      z.looseObject({
        deviceId: z.string(),
        clientId: z.string(),
        username: z.string(),
        password: z.string().nullable().describe('Null: it had one already.'),
        topic: z.string(),
      }),
    ),
  }),
  history: list({
    version: count,
    at: instant,
    actor: z.string(),
    kind: z.string(),
    id: z.string(),
    before: z.unknown(),
    after: z.unknown(),
  }),
  quarantine: z.looseObject({
    items: z.array(z.looseObject(quarantined)),
    nextBefore: count.nullable().describe('Goes on with `before` of this; null at the end.'),
    complete: z.boolean(),
  }),
  quarantined: z.looseObject({
    entries: z.array(z.looseObject(quarantined)),
    base64: z.string().nullable(),
    text: z.string().nullable(),
  }),
  decided: z.looseObject({ readingPosition: count.describe('Place of the decision in the log.') }),
  connections: list({
    principal: z.string(),
    address: z.string(),
    listener: z.string(),
    connectedAt: instant,
    heardAt: instant,
  }),
  health: list({ room: z.string(), isReady: z.boolean(), reasons: z.array(z.string()) }),
  stations: z.looseObject({
    counts: z.record(z.enum(stationStates), count),
    items: z.array(
      z.looseObject({
        station: z.string(),
        state: z.enum(stationStates),
        newestAt: instant.nullable(),
        series: z.array(series),
      }),
    ),
  }),
  control: list({
    position: count,
    receivedAt: instant,
    device: z.string(),
    kind: z.string(),
    text: z.string(),
  }),
} as const;
