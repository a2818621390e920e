/**
 * A profile tells `replay` how to read a file of real records: which column is the time and in which
 * zone, and what each other column measures, in which unit. Profiles of known files lie in
 * `profiles/`; a user gives his own with `--profile`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const name = z.strictObject({ vi: z.string(), en: z.string() });

const profileSchema = z.strictObject({
  format: z.literal('quantrac-replay-profile/1'),
  title: z.string(),
  /** The file's header must hold these columns for the profile to be chosen by itself. */
  station: z.strictObject({
    id: z.string(),
    name,
    latitude: z.number(),
    longitude: z.number(),
    altitudeMetres: z.number().optional(),
    timeZone: z.string(),
    class: z.enum(['reference', 'regulatory', 'enterprise', 'indicative', 'citizen']),
  }),
  owner: z.strictObject({
    id: z.string(),
    name,
    kind: z.enum(['state', 'enterprise', 'community', 'citizen']),
    licence: z.string().optional(),
    attribution: z.string().optional(),
  }),
  /** `offset` (`Z`, `-07:00`) is added to a time that carries none of its own. */
  time: z.strictObject({ column: z.string(), offset: z.string().optional() }),
  intervalMs: z.number().int().min(1_000),
  columns: z.record(
    z.string(),
    z.strictObject({
      property: z.string(),
      unit: z.string(),
      aggregation: z.enum(['instant', 'mean', 'sum', 'min', 'max', 'counter']),
    }),
  ),
});

export type Profile = z.infer<typeof profileSchema>;

/** Throws zod's error, which names the key. */
export function parseProfile(text: string): Profile {
  return profileSchema.parse(JSON.parse(text));
}

/** The shipped profile all of whose columns the header has, or undefined. */
export function chooseProfile(header: readonly string[]): Profile | undefined {
  const folder = join(import.meta.dirname, 'profiles');
  for (const file of readdirSync(folder).sort()) {
    const profile = parseProfile(readFileSync(join(folder, file), 'utf8'));
    const columns = [profile.time.column, ...Object.keys(profile.columns)];
    if (columns.every((column) => header.includes(column))) return profile;
  }
  return undefined;
}

/** The registry file that lets the profile's station publish: one device, named as the station. */
export function registryFileOfProfile(profile: Profile): Record<string, unknown> {
  const { station, owner } = profile;
  return {
    format: 'quantrac-registry/1',
    owners: [owner],
    stations: [{ ...station, owner: owner.id }],
    datastreams: Object.values(profile.columns).map(({ property, aggregation }) => ({
      id: `${station.id}.${property}`,
      station: station.id,
      property,
      slug: property,
      aggregation,
      intervalMs: profile.intervalMs,
    })),
    devices: [{ id: station.id, owner: owner.id, codec: 'csv-row' }],
    deployments: Object.entries(profile.columns).map(([column, { property, unit }]) => ({
      device: station.id,
      datastream: `${station.id}.${property}`,
      channel: column,
      unit,
      from: '1900-01-01T00:00:00Z',
    })),
  };
}
