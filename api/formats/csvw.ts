/**
 * What a CSV of ours holds, as W3C "Metadata Vocabulary for Tabular Data" (CSV on the Web) says it:
 * a metadata document of one table, that a reader finds by the Link header of the CSV (§5.2 of the
 * "Model for Tabular Data") and that says how its bytes are read.
 */
import { meaningOf, type ColumnType } from './columns.ts';
import { termsAt } from './linked.ts';

export const csvwType = 'application/csvm+json';

/** Datatypes of "Metadata Vocabulary" §5.11.1; what is empty is null. */
const datatypes: Readonly<Record<ColumnType, unknown>> = {
  text: 'string',
  number: 'double',
  integer: 'integer',
  boolean: { base: 'boolean', format: 'true|false' },
  instant: 'dateTimeStamp',
  period: {
    base: 'string',
    format: '[^/]+(/[^/]+)?',
    'dc:description': 'xsd:dateTimeStamp, or two of them: start/end',
  },
};

export interface CsvwOptions {
  /** Address of the CSV, as it was asked for. */
  readonly url: string;
  readonly base: string;
  readonly columns: readonly string[];
  /** Columns that together name a row, where `id` does not. */
  readonly key?: readonly string[];
}

export function csvwText({ url, base, columns, key: given }: CsvwOptions): string {
  const key = given ?? (columns.includes('id') ? 'id' : ['datastream', 'phenomenonTime']);
  return JSON.stringify({
    '@context': ['http://www.w3.org/ns/csvw', { '@language': 'en' }],
    url,
    dialect: {
      encoding: 'utf-8',
      lineTerminators: '\r\n',
      delimiter: ',',
      quoteChar: '"',
      doubleQuote: true,
      header: true,
      headerRowCount: 1,
      skipBlankRows: false,
      skipInitialSpace: false,
      trim: false,
    },
    tableSchema: {
      columns: columns.map((name) => columnOf(name, base, [key].flat())),
      primaryKey: key,
    },
  });
}

function columnOf(name: string, base: string, key: readonly string[]): object {
  const { vi, en, type, separator } = meaningOf(name);
  return {
    name,
    // The header row holds names, so a name is among the titles of each language.
    titles: { en: [en, name], vi: [vi, name] },
    datatype: datatypes[type],
    propertyUrl: termsAt(base) + name,
    null: '',
    ...(separator === undefined ? {} : { separator }),
    ...(key.includes(name) ? { required: true } : {}),
  };
}
