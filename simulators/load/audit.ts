/**
 * After a run: reads everything that the ledger's devices sent back from the open API and compares.
 * Every acknowledged message must be there with all its values, none twice, and nothing that was
 * never sent.
 */
import { defaultSimulatorsConfig } from '../config.ts';
import { simulatorsError } from '../errors.ts';
import { readAnswer, type Api } from './answer.ts';
import { acknowledged, type DeviceLedger, type Ledger } from './ledger.ts';

export interface Audit {
  readonly acknowledged: number;
  /** Values of acknowledged messages that the API does not have. */
  readonly missing: number;
  /** Values that the API shows more than once for one key. */
  readonly doubled: number;
  /** Values that differ from what was sent. */
  readonly changed: number;
  /** Values that no message of the ledger carried. */
  readonly invented: number;
  readonly rows: number;
  /** The first few of each, for a person to look at. */
  readonly examples: readonly string[];
}

export interface AuditOptions {
  readonly api: Api;
  readonly ledger: Ledger;
  readonly payloads: readonly string[];
  /** Channel of the payload by slug of the datastream. */
  readonly channels: ReadonlyMap<string, string>;
  /** The default of the configuration unless given. */
  readonly examplesMax?: number;
}

export async function audit(options: AuditOptions): Promise<Audit> {
  const values = options.payloads.map((line) => JSON.parse(line) as Record<string, number>);
  const found = { acknowledged: 0, missing: 0, doubled: 0, changed: 0, invented: 0, rows: 0 };
  const examples: string[] = [];
  const { examplesMax = defaultSimulatorsConfig().examplesMax } = options;
  const note = (text: string): void => {
    if (examples.length < examplesMax) examples.push(text);
  };
  for (const device of options.ledger.devices) {
    found.acknowledged += device.state.filter((state) => state === acknowledged).length;
    const seen = await readStation(options.api, device.deviceId);
    for (const [slug, channel] of options.channels) {
      auditSeries({ device, slug, channel, values, rows: seen.get(slug) ?? [], found, note });
    }
  }
  return { ...found, examples };
}

interface SeriesAudit {
  readonly device: DeviceLedger;
  readonly slug: string;
  readonly channel: string;
  readonly values: readonly Record<string, number>[];
  readonly rows: readonly (readonly [number, number | null])[];
  readonly found: Record<'missing' | 'doubled' | 'changed' | 'invented' | 'rows', number>;
  readonly note: (text: string) => void;
}

function auditSeries(series: SeriesAudit): void {
  const { device, slug, found, note } = series;
  const kept = new Map<number, number | null>();
  for (const [at, value] of series.rows) {
    found.rows += 1;
    if (kept.has(at)) {
      found.doubled += 1;
      note(`doubled: ${device.deviceId} ${slug} ${at}`);
    }
    kept.set(at, value);
  }
  for (let index = 0; index < device.at.length; index += 1) {
    const at = device.at[index] ?? 0;
    const expected = series.values[device.line[index] ?? 0]?.[series.channel];
    const value = kept.get(at);
    kept.delete(at);
    if (value === undefined) {
      if (device.state[index] !== acknowledged) continue;
      found.missing += 1;
      note(`missing: ${device.deviceId} ${slug} ${at}`);
    } else if (
      expected === undefined ||
      value === null ||
      Math.abs(value - expected) > 1e-9 * Math.max(1, Math.abs(expected))
    ) {
      found.changed += 1;
      note(`changed: ${device.deviceId} ${slug} ${at}: ${value} instead of ${expected}`);
    }
  }
  found.invented += kept.size;
  for (const at of kept.keys()) note(`invented: ${device.deviceId} ${slug} ${at}`);
}

interface ApiRow {
  readonly slug: string;
  readonly phenomenonTime: string;
  readonly result: number | null;
}

/** All rows of a station by slug, read as NDJSON to its closing line. */
async function readStation(
  api: Api,
  station: string,
): Promise<Map<string, [number, number | null][]>> {
  const text = await readAnswer(api, `/api/v1/observations?station=${station}&format=ndjson`);
  const lines = text.trimEnd().split('\n');
  const last = JSON.parse(lines.pop() ?? '{}') as { complete?: boolean };
  if (last.complete !== true)
    throw simulatorsError('SIMULATORS_API_FAILED', { station, problem: 'the stream was cut' });
  const bySlug = new Map<string, [number, number | null][]>();
  for (const line of lines) {
    const row = JSON.parse(line) as ApiRow;
    const end = Date.parse(row.phenomenonTime.split('/').at(-1) ?? '');
    const rows = bySlug.get(row.slug) ?? [];
    rows.push([end, row.result]);
    bySlug.set(row.slug, rows);
  }
  return bySlug;
}
