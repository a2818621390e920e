/**
 * Data Package v2 (https://datapackage.org/standard/data-package/) of what a dataset is now: its live
 * CSV as resources with the schema of their columns. Files of a month have a descriptor of their own.
 */
import type { Publisher } from './dcat/publisher.ts';
import { secondsText } from './description.ts';
import type { Entry } from './entry.ts';
import { uriOf } from './uris.ts';

interface Column {
  readonly type: 'string' | 'number' | 'integer' | 'boolean';
  readonly description: string;
}

/** What the columns of rows hold; any other is a text. */
const known: Readonly<Record<string, Column>> = {
  id: { type: 'string', description: 'Observation' },
  datastream: { type: 'string', description: 'Series' },
  station: { type: 'string', description: 'Station' },
  slug: { type: 'string', description: 'Name of the series in its station' },
  property: { type: 'string', description: 'Observed property' },
  phenomenonTime: {
    type: 'string',
    description: 'RFC 3339 with the offset of the station: an instant, or start/end',
  },
  resultTime: { type: 'string', description: "The device's own time" },
  receivedAt: { type: 'string', description: 'When it came in' },
  result: {
    type: 'number',
    description: 'Value in the unit; empty where there is none, then flag 9 and a reason',
  },
  unit: { type: 'string', description: 'UCUM code' },
  flag: { type: 'integer', description: '1 good, 2 not evaluated, 3 suspect, 4 fail, 9 missing' },
  tests: { type: 'string', description: 'One digit a test' },
  qualifiers: { type: 'string', description: 'Names of qualifiers' },
  reason: { type: 'string', description: 'Why there is no value' },
  revision: { type: 'integer', description: 'From 0, one more with every correction' },
  ageSeconds: { type: 'integer', description: 'Since the end of phenomenonTime' },
  stale: { type: 'boolean', description: 'Older than two intervals' },
};

/** Of the rows as CSV really gives them, by the path that does. */
export interface RowColumns {
  readonly latest: readonly string[];
  readonly observations: readonly string[];
}

export function dataPackage(
  entry: Entry,
  {
    base,
    columns,
    publisher,
  }: {
    readonly base: string;
    readonly columns: RowColumns;
    readonly publisher: Publisher;
  },
): object {
  const live = entry.distributions.filter(
    ({ kind, file, service }) => file === undefined && service === 'api' && kind.label === 'CSV',
  );
  return {
    $schema: 'https://datapackage.org/profiles/2.0/datapackage.json',
    name: entry.id.toLowerCase().replaceAll(/[^a-z0-9._-]/g, '-'),
    id: entry.uri,
    title: entry.title.en,
    titleVi: entry.title.vi,
    description: `${entry.description.en}\n\n${entry.description.vi}`,
    homepage: entry.page,
    keywords: [...entry.keywords.en, ...entry.keywords.vi],
    created: secondsText(entry.issuedAt),
    licenses: entry.licences.map(({ id, uri, title }) => ({
      name: id,
      path: uri,
      title: title.en,
    })),
    contributors: [
      ...(entry.owner === undefined
        ? []
        : [
            {
              title: entry.owner.name.en,
              path: uriOf(base, 'owner', entry.owner.id),
              roles: ['creator'],
            },
          ]),
      ...(publisher.isStated
        ? [
            {
              title: publisher.name.en,
              ...(publisher.homepage === undefined ? {} : { path: publisher.homepage }),
              ...(publisher.email === undefined ? {} : { email: publisher.email }),
              roles: ['publisher'],
            },
          ]
        : []),
    ],
    resources: live.map(({ id, title, kind, url }) => ({
      name: id.slice(entry.id.length + 1).replace('.csv', ''),
      title: title.en,
      path: url,
      format: 'csv',
      mediatype: kind.mediaType,
      encoding: 'utf-8',
      schema: {
        fields: (id.includes('~latest') ? columns.latest : columns.observations).map(fieldOf),
        missingValues: [''],
      },
    })),
  };
}

function fieldOf(column: string): object {
  const field = Object.hasOwn(known, column) ? known[column] : undefined;
  return { name: column, ...(field ?? { type: 'string' }) };
}
