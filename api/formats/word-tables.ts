/** What is said of quality, and what columns mean: the product's own words, as lists. */
import type { Name } from '../../devices/model.ts';
import { flags, qualifiers, reasons, testIds } from '../../ingest/quality.ts';
import {
  digitMeanings,
  flagMeanings,
  qualifierMeanings,
  reasonMeanings,
  testMeanings,
} from '../quality-meanings.ts';
import { columnMeanings } from './columns.ts';
import { addressesAt, createLinkedWriter, termsAt } from './linked.ts';
import type { Table } from './table.ts';

export interface Quality {
  readonly id: string;
  readonly kind: 'flag' | 'test' | 'digit' | 'qualifier' | 'reason';
  readonly value: string;
  readonly place: number;
  readonly label: Name;
  readonly meaning: Name;
  readonly uri?: string;
}

export interface Term {
  readonly id: string;
  readonly label: Name;
  readonly type: string;
  readonly uri?: string;
}

/** Flags, tests in the order of their digits, digits, qualifiers, reasons. */
export function listQualities(): readonly Quality[] {
  const own = (kind: Quality['kind'], value: string, at: number) => ({
    id: `${kind}.${value}`,
    kind,
    value,
    place: at + 1,
  });
  const named = (value: string): Name => ({ vi: value, en: value });
  return [
    ...Object.values(flags).map((flag, at) => ({
      ...own('flag', String(flag), at),
      ...flagMeanings[flag],
    })),
    ...testIds.map((test, at) => ({
      ...own('test', test, at),
      label: named(test),
      meaning: testMeanings[test],
    })),
    ...Object.entries(digitMeanings).map(([digit, meaning], at) => ({
      ...own('digit', digit, at),
      label: named(digit),
      meaning,
    })),
    ...qualifiers.map((qualifier, at) => ({
      ...own('qualifier', qualifier, at),
      label: named(qualifier),
      meaning: qualifierMeanings[qualifier],
    })),
    ...reasons.map((reason, at) => ({
      ...own('reason', reason, at),
      label: named(reason),
      meaning: reasonMeanings[reason],
    })),
  ];
}

export function listTerms(): readonly Term[] {
  return Object.entries(columnMeanings)
    .map(([id, { vi, en, type, same }]) => ({
      id,
      label: { vi, en },
      type,
      ...(same === undefined ? {} : { uri: same }),
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

export function qualityTable(base: string): Table<Quality> {
  return {
    columns: [
      'id',
      'kind',
      'value',
      'place',
      'labelVi',
      'labelEn',
      'meaningVi',
      'meaningEn',
      'uri',
    ],
    json: ({ id, kind, value, place, label, meaning, uri }) =>
      JSON.stringify({ id, kind, value, place, label, meaning, uri }),
    cells: ({ id, kind, value, place, label, meaning, uri }) => [
      id,
      kind,
      value,
      place,
      label.vi,
      label.en,
      meaning.vi,
      meaning.en,
      uri,
    ],
    id: ({ id }) => id,
    point: () => null,
    writers: {
      jsonld: () =>
        createLinkedWriter(base, (quality: Quality) => JSON.stringify(qualityNode(base)(quality))),
    },
  };
}

export function qualityNode(base: string): (quality: Quality) => object {
  const addresses = addressesAt(base);
  return ({ id, kind, value, label, meaning, uri }) => ({
    id:
      kind === 'flag'
        ? addresses.flag(Number(value))
        : `${base}/api/v1/qualities/${encodeURIComponent(id)}`,
    type: 'skos:Concept',
    notation: value,
    prefLabel: label,
    definition: meaning,
    exactMatch: uri,
    kind,
  });
}

export function termTable(base: string): Table<Term> {
  return {
    columns: ['id', 'labelVi', 'labelEn', 'type', 'uri'],
    json: ({ id, label, type, uri }) => JSON.stringify({ id, label, type, uri }),
    cells: ({ id, label, type, uri }) => [id, label.vi, label.en, type, uri],
    id: ({ id }) => id,
    point: () => null,
    writers: {
      jsonld: () =>
        createLinkedWriter(base, ({ id, label, uri }: Term) =>
          JSON.stringify({
            id: termsAt(base) + id,
            type: 'rdf:Property',
            label,
            exactMatch: uri,
          }),
        ),
    },
  };
}
