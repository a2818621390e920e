import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { chunkCharacters, createListWriter } from './list-writer.ts';
import type { Cell, Table } from './table.ts';

interface Thing {
  readonly id: string;
  readonly value: Cell;
}

const table: Table<Thing> = {
  columns: ['id', 'value'],
  json: (thing) => JSON.stringify(thing),
  cells: ({ id, value }) => [id, value],
  id: ({ id }) => id,
  point: ({ id }) => (id === '' ? null : { longitude: 105, latitude: 21, altitudeMetres: 4 }),
};

function written(format: 'json' | 'geojson' | 'csv' | 'ndjson', steps: readonly Thing[][]): string {
  const writer = createListWriter(format, table);
  return [
    ...writer.begin(),
    ...steps.flatMap((step) => [...writer.write(step)]),
    ...writer.end({ next: null, cursor: 'c' }),
  ].join('');
}

const things = fc.array(
  fc.array(fc.record({ id: fc.string(), value: fc.oneof(fc.string(), fc.integer()) })),
);

/** RFC 4180, read by its grammar. */
function readCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gy;
  for (let match = cell.exec(text); match !== null; match = cell.exec(text)) {
    row.push(match[1] === undefined ? (match[2] ?? '') : match[1].replaceAll('""', '"'));
    if (match[3] === ',') continue;
    rows.push(row);
    row = [];
  }
  return rows;
}

describe('a list', () => {
  test.for(['json', 'geojson', 'csv', 'ndjson'] as const)(
    'in %s is written in chunks of few characters, however many items come at once',
    (format) => {
      const item = { id: 'x'.repeat(100), value: 1 };
      const writer = createListWriter(format, table);
      const chunks = [...writer.write(Array.from({ length: 3_000 }, () => item))];
      expect(chunks.length).toBeGreaterThan(3);
      for (const { length } of chunks) expect(length).toBeLessThan(chunkCharacters + 1_000);
    },
  );

  test('in JSON holds the items of all steps, and its end', () => {
    fc.assert(
      fc.property(things, (steps) => {
        expect(JSON.parse(written('json', steps))).toEqual({
          items: steps.flat(),
          next: null,
          complete: true,
          cursor: 'c',
        });
      }),
    );
  });

  test('in NDJSON is one line an item and a last one that says it is complete', () => {
    fc.assert(
      fc.property(things, (steps) => {
        const lines = written('ndjson', steps).trimEnd().split('\n');
        const parsed = lines.map((line) => JSON.parse(line) as unknown);
        expect(parsed).toEqual([...steps.flat(), { complete: true, cursor: 'c' }]);
      }),
    );
  });

  test('in CSV comes back as it was', () => {
    fc.assert(
      fc.property(things, (steps) => {
        const rows = readCsv(written('csv', steps));
        const expected = steps.flat().map(({ id, value }) => [id, String(value)]);
        expect(rows).toEqual([['id', 'value'], ...expected]);
      }),
    );
  });

  test('in CSV leaves null and NaN empty', () => {
    const rows = [
      { id: 'a', value: null },
      { id: 'b', value: NaN },
      { id: 'c', value: undefined },
      { id: 'd', value: false },
    ];
    expect(written('csv', [rows])).toBe('id,value\r\na,\r\nb,\r\nc,\r\nd,false\r\n');
  });

  test('in GeoJSON is a collection of features', () => {
    expect(
      JSON.parse(written('geojson', [[{ id: 'x', value: 1 }], [{ id: '', value: 2 }]])),
    ).toEqual({
      type: 'FeatureCollection',
      features: [
        {
          type: 'Feature',
          id: 'x',
          geometry: { type: 'Point', coordinates: [105, 21, 4] },
          properties: { id: 'x', value: 1 },
        },
        { type: 'Feature', id: '', geometry: null, properties: { id: '', value: 2 } },
      ],
      next: null,
      complete: true,
      cursor: 'c',
    });
  });

  test('that goes on says where', () => {
    const end = { next: 'http://h/x?page=t', cursor: 'c' };
    const json = createListWriter('json', table);
    expect(JSON.parse([...json.begin(), ...json.end(end)].join(''))).toMatchObject({
      next: 'http://h/x?page=t',
      complete: false,
    });
    const [line] = createListWriter('ndjson', table).end(end);
    expect(JSON.parse(String(line))).toEqual({
      complete: false,
      next: 'http://h/x?page=t',
      cursor: 'c',
    });
  });
});
