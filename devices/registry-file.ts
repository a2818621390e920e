import { z } from 'zod';
import { isDate, parseInstant } from './instant.ts';
import { stationKinds } from './model.ts';

/**
 * The registry file, exactly as interfaces.md §3 gives it: its zod schema, the JSON Schema
 * published from that (`registry-file.schema.json`, kept equal by a test) and the types of its
 * entries. Rules that need more than one entry to check are in `registry/check.ts`.
 */
export const registryFileFormat = 'quantrac-registry/1';

/** Of owners, stations, datastreams, devices: case-sensitive, never reused. */
const idPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

const id = z
  .string()
  .regex(idPattern, 'must be 1 to 64 letters, digits, ".", "_" or "-", the first a letter or digit')
  .describe('Id: never reused, the same in topics, paths, files and feeds.');

const text = (charactersMax: number) =>
  z
    .string()
    .min(1, 'must not be empty')
    .max(charactersMax, `must have at most ${charactersMax} characters`)
    // eslint-disable-next-line no-control-regex
    .regex(/^[^\u0000-\u001f\u007f\ufffd]*$/, 'must not have control characters');

const name = z
  .strictObject({ vi: text(200), en: text(200) })
  .describe('Name in Vietnamese and English.');

const visibility = z
  .enum(['open', 'recipients', 'internal'])
  .describe('Of a datastream, else of its station, else of its owner; none of them: open.');

const instant = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}(?:[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2}))?$/, {
    abort: true,
    message: 'must be an RFC 3339 date, or date-time with offset',
  })
  .refine(
    (value) => isDate(value) || parseInstant(value) !== undefined,
    'must be a day and a time that exist',
  )
  .describe('RFC 3339 date-time with offset, or a date: the start of that day at the station.');

export const ownerSchema = z.strictObject({
  id,
  name,
  kind: z.enum(['state', 'enterprise', 'community', 'citizen']),
  code: z.exactOptional(text(64)).describe('National organisation code.'),
  parent: z.exactOptional(id).describe('Owner id of the parent body.'),
  licence: z.exactOptional(text(500)).describe('SPDX id or URL of the licence of its data.'),
  attribution: z.exactOptional(text(500)),
  visibility: z.exactOptional(visibility),
});

export const stationSchema = z.strictObject({
  id,
  name,
  owner: id,
  latitude: z.number().min(-90).max(90).describe('WGS 84 degrees.'),
  longitude: z.number().min(-180).max(180).describe('WGS 84 degrees.'),
  altitudeMetres: z.exactOptional(z.number().min(-12_000).max(100_000)),
  timeZone: text(64).describe('IANA zone, for example Asia/Ho_Chi_Minh.'),
  class: z.enum(['reference', 'regulatory', 'enterprise', 'indicative', 'citizen']),
  kind: z.exactOptional(z.enum(stationKinds)).describe('What the station is built for.'),
  administrative: z
    .exactOptional(
      z
        .array(
          z.strictObject({
            province: z
              .string()
              .regex(
                /^(?:\d{2}|[A-Z]{2}-[A-Z0-9]{1,3})$/,
                'must be a two-digit province code of Viet Nam (a text), or ISO 3166-2',
              ),
            commune: z.exactOptional(text(64)),
            from: instant,
            to: z.exactOptional(instant),
          }),
        )
        .max(100),
    )
    .describe('Where the station lay, by period: codes outlive a merger.'),
  publicPrecisionMetres: z
    .exactOptional(z.number().positive().max(100_000))
    .describe('The place is public only to this precision; none means exactly.'),
  visibility: z.exactOptional(visibility),
});

export const datastreamSchema = z.strictObject({
  id,
  station: id,
  property: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{0,63}$/, 'must be the id of an observed property')
    .describe('Decides the canonical unit.'),
  slug: z.exactOptional(id).describe('Unique in its station; defaults to the property id.'),
  aggregation: z.enum(['instant', 'mean', 'sum', 'min', 'max', 'counter']),
  intervalMs: z
    .int()
    .min(100)
    .max(31_622_400_000)
    .describe('Reporting interval, milliseconds: 0.1 s to 366 days.'),
  heightMetres: z
    .exactOptional(z.number().min(-12_000).max(100_000))
    .describe('Above ground or, in water and soil, below zero for depth.'),
  visibility: z.exactOptional(visibility),
});

export const deviceSchema = z.strictObject({
  id,
  owner: id,
  codec: z.exactOptional(id).describe('Payload format; none means the own JSON.'),
  clientId: z
    .exactOptional(text(256))
    .describe('Pins the MQTT client id; otherwise a session is (credential, client id).'),
  gateway: z.exactOptional(id).describe('Device that may speak for it.'),
});

export const deploymentSchema = z.strictObject({
  device: id,
  datastream: id,
  channel: text(128).describe('Name of the value in the device’s own messages.'),
  unit: z
    .exactOptional(text(64))
    .describe('UCUM code or field spelling of what the channel sends; none: the canonical unit.'),
  factor: z
    .exactOptional(z.number().refine((value) => value !== 0, 'must not be 0'))
    .describe('Calibration before the unit is converted: value × factor + offset. Not 0.'),
  offset: z.exactOptional(z.number()),
  serial: z.exactOptional(text(128)),
  from: instant.describe('Inclusive.'),
  to: z.exactOptional(instant).describe('Exclusive; equal to `from` withdraws the deployment.'),
});

export const registryFileSchema = z
  .strictObject({
    format: z.literal(registryFileFormat),
    owners: z.exactOptional(z.array(ownerSchema)),
    stations: z.exactOptional(z.array(stationSchema)),
    datastreams: z.exactOptional(z.array(datastreamSchema)),
    devices: z.exactOptional(z.array(deviceSchema)),
    deployments: z.exactOptional(z.array(deploymentSchema)),
  })
  .describe('A network: who owns what, where it stands, what it measures, with which device.');

export type FileOwner = z.infer<typeof ownerSchema>;
export type FileStation = z.infer<typeof stationSchema>;
export type FileDatastream = z.infer<typeof datastreamSchema>;
export type FileDevice = z.infer<typeof deviceSchema>;
export type FileDeployment = z.infer<typeof deploymentSchema>;
export type RegistryFile = z.infer<typeof registryFileSchema>;

/** The published JSON Schema (draft 2020-12) of the registry file. */
export function registryFileJsonSchema(): Record<string, unknown> {
  return {
    $id: 'urn:quantrac:registry-file:1',
    title: 'Quantrac registry file',
    ...z.toJSONSchema(registryFileSchema, { io: 'input' }),
  };
}
