/** The description of a month's CSV after CSVW (W3C, Metadata Vocabulary for Tabular Data, 2015). */
import { csvColumns, type DescribedColumn } from './columns.ts';
import type { MonthTask } from './task.ts';

const datatypes = {
  string: 'string',
  datetime: 'dateTime',
  number: 'double',
  integer: 'integer',
} as const satisfies Record<DescribedColumn['type'], string>;

/** Terms of others where there are some (SOSA, Dublin Core, WGS 84). */
const terms: Readonly<Record<string, string>> = {
  id: 'http://purl.org/dc/terms/identifier',
  property: 'http://www.w3.org/ns/sosa/observedProperty',
  phenomenonTime: 'http://www.w3.org/ns/sosa/phenomenonTime',
  resultTime: 'http://www.w3.org/ns/sosa/resultTime',
  result: 'http://www.w3.org/ns/sosa/hasSimpleResult',
  latitude: 'http://www.w3.org/2003/01/geo/wgs84_pos#lat',
  longitude: 'http://www.w3.org/2003/01/geo/wgs84_pos#long',
};

/** `url` is the name of the file beside it. */
export function describeCsv(task: MonthTask, url: string): object {
  const [licence] = task.licences;
  return {
    '@context': 'http://www.w3.org/ns/csvw',
    url,
    'dc:title': [
      { '@value': `${task.title.vi}, ${task.month}`, '@language': 'vi' },
      { '@value': `${task.title.en}, ${task.month}`, '@language': 'en' },
    ],
    ...(licence === undefined ? {} : { 'dc:license': { '@id': licence.uri } }),
    'dc:publisher': { '@value': task.owner.vi, '@language': 'vi' },
    dialect: { header: true, encoding: 'utf-8', lineTerminators: ['\r\n'], delimiter: ',' },
    tableSchema: { columns: csvColumns.map(columnOf), primaryKey: 'id' },
  };
}

function columnOf({ name, type, title, description, isRequired }: DescribedColumn): object {
  const term = terms[name];
  return {
    name,
    titles: name,
    'dc:title': [
      { '@value': title.vi, '@language': 'vi' },
      { '@value': title.en, '@language': 'en' },
    ],
    'dc:description': description,
    datatype: datatypes[type],
    required: isRequired,
    ...(term === undefined ? {} : { propertyUrl: term }),
  };
}
