/**
 * A profile tells `replay` how to read a file of real records: which column is the time and in which
 * zone, and what each other column measures, in which unit. Profiles of known files lie in
 * `profiles/`; a user gives his own with `--profile`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { simulatorsError } from './errors.ts';

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
  /** Of the cells. */
  delimiter: z.enum([',', ';', '\t']).default(','),
  /** Cells are numbers such as `12,5`. */
  decimalComma: z.boolean().default(false),
  linesBeforeHeader: z.number().int().min(0).max(1_000).default(0),
  /** Of units, for example; they are passed over. */
  linesAfterHeader: z.number().int().min(0).max(1_000).default(0),
  /** Of a file of many stations, the rows of this one. */
  only: z.strictObject({ column: z.string(), equals: z.string() }).optional(),
  /**
   * `column`: one, or date and time in two. `order`: year, month, day (ISO 8601 too) unless said
   * otherwise. `offset` (`Z`, `-07:00`) is added to a time that carries none of its own.
   */
  time: z.strictObject({
    column: z.union([z.string(), z.array(z.string()).length(2)]),
    order: z.enum(['ymd', 'dmy', 'mdy', 'unixSeconds', 'unixMs']).optional(),
    offset: z
      .string()
      .regex(/^(Z|[+-]\d{2}:\d{2})$/)
      .optional(),
  }),
  intervalMs: z.number().int().min(1_000),
  columns: z.record(
    z.string(),
    z.strictObject({
      property: z.string(),
      unit: z.string(),
      aggregation: z.enum(['instant', 'mean', 'sum', 'min', 'max', 'counter']),
      /** Tells two columns of one property apart; the property's id unless given. */
      slug: z.string().optional(),
    }),
  ),
});

export type Profile = z.infer<typeof profileSchema>;

/** Throws SIMULATORS_PROFILE_INVALID naming the key. */
export function parseProfile(text: string): Profile {
  const read = profileSchema.safeParse(parseText(text));
  if (read.success) return read.data;
  const problems = read.error.issues.map(
    ({ path, message }) => `${path.join('.') || 'the profile'}: ${message}`,
  );
  throw simulatorsError('SIMULATORS_PROFILE_INVALID', { problem: problems.join('; ') }, read.error);
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw simulatorsError('SIMULATORS_PROFILE_INVALID', { problem: String(error) }, error);
  }
}

/** The shipped profile all of whose columns the header has, or undefined. */
export function chooseProfile(header: readonly string[]): Profile | undefined {
  const folder = join(import.meta.dirname, 'profiles');
  for (const file of readdirSync(folder).sort()) {
    const profile = parseProfile(readFileSync(join(folder, file), 'utf8'));
    const columns = [...[profile.time.column].flat(), ...Object.keys(profile.columns)];
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
    datastreams: Object.values(profile.columns).map(
      ({ property, aggregation, slug = property }) => ({
        id: `${station.id}.${slug}`,
        station: station.id,
        property,
        slug,
        aggregation,
        intervalMs: profile.intervalMs,
      }),
    ),
    devices: [{ id: station.id, owner: owner.id, codec: 'csv-row' }],
    deployments: Object.entries(profile.columns).map(([column, { property, unit, slug }]) => ({
      device: station.id,
      datastream: `${station.id}.${slug ?? property}`,
      channel: column,
      unit,
      from: '1900-01-01T00:00:00Z',
    })),
  };
}
