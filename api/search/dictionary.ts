/**
 * The data dictionary: every observed property of the registry, every field of a row and every word
 * of quality, with its meaning in both languages. It is made of the tables that the product itself
 * works with, so that it cannot say anything else.
 */
import type { Name, ObservedProperty } from '../../devices/model.ts';
import { meaningOf, type ColumnType } from '../formats/columns.ts';
import { everyRowColumn } from '../formats/row-table.ts';
import { listQualities, type Quality } from '../formats/word-tables.ts';
import type { NetworkView } from '../network.ts';

export const entryKinds = [
  'property',
  'field',
  'flag',
  'test',
  'digit',
  'qualifier',
  'reason',
] as const;

export interface DictionaryEntry {
  /** Kind and value. */
  readonly id: string;
  readonly kind: (typeof entryKinds)[number];
  /** As it stands in rows. */
  readonly value: string;
  readonly label: Name;
  readonly meaning: Name;
  /** Of a field. */
  readonly type?: ColumnType;
  /** Of a test: the place of its digit, from 1. */
  readonly place?: number;
  /** Of a property: UCUM code. */
  readonly unit?: string;
  readonly domain?: ObservedProperty['domain'];
  readonly basis?: string;
  /** Outside it a value fails. */
  readonly plausible?: ObservedProperty['plausible'];
  /** Outside it a value is suspect. */
  readonly expected?: ObservedProperty['plausible'];
  readonly nationalSymbol?: string;
  readonly links: ObservedProperty['links'];
}

const made = new WeakMap<NetworkView['registry'], readonly DictionaryEntry[]>();

/** Properties by id, then fields in the order of a row, then words of quality. */
export function dictionaryOf({ registry }: NetworkView): readonly DictionaryEntry[] {
  let entries = made.get(registry);
  if (entries === undefined) {
    const properties = [...registry.properties.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    entries = [
      ...properties.map(propertyEntry),
      ...everyRowColumn.map(fieldEntry),
      ...listQualities().map(qualityEntry),
    ];
    made.set(registry, entries);
  }
  return entries;
}

function propertyEntry(property: ObservedProperty): DictionaryEntry {
  const { id, label, unit, domain, basis, plausible, expected, nationalSymbol, links } = property;
  return {
    id: `property.${id}`,
    kind: 'property',
    value: id,
    label,
    meaning: meaningOfProperty(property),
    unit,
    domain,
    plausible,
    links,
    ...(basis === undefined ? {} : { basis }),
    ...(expected === undefined ? {} : { expected }),
    ...(nationalSymbol === undefined ? {} : { nationalSymbol }),
  };
}

/** What has to be known beside label and unit to read its values rightly. */
function meaningOfProperty({
  label,
  unit,
  basis,
  circular,
  referenceCelsius,
}: ObservedProperty): Name {
  const parts: Name[] = [{ vi: `${label.vi}, tính bằng ${unit}`, en: `${label.en} in ${unit}` }];
  if (basis !== undefined) parts.push({ vi: `tính theo ${basis}`, en: `stated as ${basis}` });
  if (referenceCelsius !== undefined) {
    parts.push({
      vi: `ở ${referenceCelsius} °C và 101.325 Pa`,
      en: `at ${referenceCelsius} °C and 101,325 Pa`,
    });
  }
  if (circular === true) {
    parts.push({ vi: 'là góc, quay vòng ở 360°', en: 'an angle that wraps at 360°' });
  }
  return {
    vi: `${parts.map(({ vi }) => vi).join('; ')}.`,
    en: `${parts.map(({ en }) => en).join('; ')}.`,
  };
}

function fieldEntry(name: string): DictionaryEntry {
  const { vi, en, type, same } = meaningOf(name);
  return {
    id: `field.${name}`,
    kind: 'field',
    value: name,
    label: { vi: name, en: name },
    meaning: { vi, en },
    type,
    links: linksOf(same),
  };
}

function qualityEntry({ id, kind, value, place, label, meaning, uri }: Quality): DictionaryEntry {
  return {
    id,
    kind,
    value,
    label,
    meaning,
    links: linksOf(uri),
    ...(kind === 'test' ? { place } : {}),
  };
}

function linksOf(uri: string | undefined): ObservedProperty['links'] {
  if (uri === undefined) return [];
  return [{ scheme: new URL(uri).hostname, match: 'exact', uri }];
}
