import { z } from 'zod';
import { grantSchema, recipientSchema } from './access-file.ts';
import {
  attribution,
  embargoUntil,
  id,
  instant,
  licence,
  name,
  text,
  visibility,
} from './file-fields.ts';
import { stationKinds } from './model.ts';

/**
 * The registry file, exactly as interfaces.md §3 gives it: its zod schema, the JSON Schema
 * published from that (`registry-file.schema.json`, kept equal by a test) and the types of its
 * entries. Rules that need more than one entry to check are in `registry/check.ts`.
 */
export const registryFileFormat = 'quantrac-registry/1';

export const ownerSchema = z.strictObject({
  id,
  name,
  kind: z.enum(['state', 'enterprise', 'community', 'citizen']),
  code: z.exactOptional(text(64)).describe('National organisation code.'),
  parent: z.exactOptional(id).describe('Owner id of the parent body.'),
  licence: z.exactOptional(licence),
  attribution: z.exactOptional(attribution),
  visibility: z.exactOptional(visibility),
  embargoUntil: z.exactOptional(embargoUntil),
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
  licence: z.exactOptional(licence),
  attribution: z.exactOptional(attribution),
  embargoUntil: z.exactOptional(embargoUntil),
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
  licence: z.exactOptional(licence),
  attribution: z.exactOptional(attribution),
  embargoUntil: z.exactOptional(embargoUntil),
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
    recipients: z.exactOptional(z.array(recipientSchema)),
    grants: z.exactOptional(z.array(grantSchema)),
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
