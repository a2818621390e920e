import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import {
  lists,
  named,
  openFormatsRig,
  readCsv,
  type FormatsRig,
  type Item,
} from './formats.fixture.ts';

let rig: FormatsRig;

beforeAll(async () => {
  rig = await openFormatsRig();
});
afterAll(() => rig.close());

describe('CSV on the Web', () => {
  /** Datatypes of our documents, as their lexical forms read. */
  const readers: Readonly<Record<string, (text: string) => unknown>> = {
    string: (text) => text,
    double: Number,
    integer: (text) => {
      expect(text).toMatch(/^-?\d+$/);
      return Number(text);
    },
    boolean: (text) => {
      expect(['true', 'false']).toContain(text);
      return text === 'true';
    },
    dateTimeStamp: (text) => {
      expect(text).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/);
      return text;
    },
  };

  interface Column {
    readonly name: string;
    readonly titles: Record<string, string[]>;
    readonly datatype: string | { base: string; format?: string };
    readonly null: string;
    readonly propertyUrl: string;
    readonly separator?: string;
    readonly required?: boolean;
  }

  async function readByMetadata(list: string): Promise<{ rows: Item[]; keys: string[] }> {
    const answer = await rig.get(`/api/v1/${named(list, 'csv')}`);
    const link = /<([^>]+)>; rel="describedby"; type="application\/csvm\+json"(?:,|$)/.exec(
      answer.headers.get('link') ?? '',
    )?.[1];
    const metadata = await fetch(link ?? '');
    expect([list, metadata.status]).toEqual([list, 200]);
    expect(metadata.headers.get('content-type')).toMatch(/^application\/csvm\+json/);
    const document = (await metadata.json()) as {
      '@context': unknown;
      url: string;
      dialect: Record<string, unknown>;
      tableSchema: { columns: Column[]; primaryKey: string | string[] };
    };
    // "Metadata Vocabulary" §5.1: the context; §5.4: url and tableSchema of a table.
    expect(document['@context']).toEqual(['http://www.w3.org/ns/csvw', { '@language': 'en' }]);
    expect(document.url).toBe(answer.url);
    const text = await answer.text();
    expect(document.dialect).toMatchObject({
      delimiter: ',',
      header: true,
      lineTerminators: '\r\n',
    });
    const [header = [], ...cells] = readCsv(text);
    const { columns, primaryKey } = document.tableSchema;
    const names = columns.map(({ name }) => name);
    // §5.6: names are unique and no `_` begins them; each title of the header is one of its column.
    expect(new Set(names).size).toBe(names.length);
    expect(columns.every(({ name }) => /^[A-Za-z][A-Za-z0-9]*$/.test(name))).toBe(true);
    expect(header.every((title, at) => columns[at]?.titles['en']?.includes(title))).toBe(true);
    expect(columns.every(({ titles }) => (titles['vi']?.length ?? 0) > 1)).toBe(true);
    const rows = cells.map((row) =>
      Object.fromEntries(columns.map((column, at) => [column.name, read(column, row[at] ?? '')])),
    );
    return { rows, keys: [primaryKey].flat() };
  }

  function read(column: Column, text: string): unknown {
    const { datatype, separator } = column;
    if (separator !== undefined) return text === '' ? [] : text.split(separator);
    if (text === column.null) {
      expect([column.name, column.required]).toEqual([column.name, undefined]);
      return null;
    }
    const base = typeof datatype === 'string' ? datatype : datatype.base;
    if (typeof datatype === 'object' && base === 'string' && datatype.format !== undefined) {
      expect(text).toMatch(new RegExp(`^(?:${datatype.format})$`));
    }
    return (readers[base] ?? (() => expect.unreachable(`datatype ${base}`)))(text);
  }

  test.each([...lists, 'observations?include=raw,position'])(
    'describes %s.csv, which reads back by it with a key that is one',
    async (list) => {
      const { rows, keys } = await readByMetadata(list);
      const items = await rig.itemsOf(list);
      expect(rows).toHaveLength(items.length);
      const seen = new Set(rows.map((row) => JSON.stringify(keys.map((key) => row[key]))));
      expect(seen.size).toBe(rows.length);
      // What JSON says in members of the same name is the same.
      for (const [at, item] of items.entries()) {
        for (const [name, value] of Object.entries(item)) {
          if (rows[at]?.[name] === undefined || typeof value === 'object') continue;
          expect([name, rows[at][name]]).toStrictEqual([name, value]);
        }
      }
    },
  );

  test('names columns by terms that can be asked for', async () => {
    const document = await rig.json('/api/v1/observations.csv-metadata.json?include=raw,position');
    const { columns } = document['tableSchema'] as { columns: Column[] };
    for (const { propertyUrl } of columns) {
      expect([propertyUrl, (await fetch(propertyUrl)).status]).toEqual([propertyUrl, 200]);
    }
  });
});
