import { expect, test } from 'vitest';

import { coordinateSystems, crs84, readSystem } from './coordinates.ts';

/**
 * Computed with PROJ 9.5.1 and the EPSG dataset v11.022 (operation 6960): longitude, latitude in
 * WGS 84, then coordinates in EPSG 4756 (as longitude, latitude), 3405, 3406, 5897, 9210, 5899.
 */
const reference = [
  [
    105.85, 21.03, 105.848117318, 21.030985936, 588128.0276, 2325811.0314, -35858.2367,
    2334238.9385, 588154.4766, 2326509.0539, 510198.1738, 2326278.029, 302293.9626, 2327452.7789,
  ],
  [
    106.7, 10.78, 106.698213743, 10.781018491, 685680.4381, 1192281.558, 29298.6737, 1195076.6613,
    685736.1646, 1192639.3856, 603697.7625, 1192284.9097, 384974.2937, 1192321.8964,
  ],
  [
    108.2, 16.05, 108.198178717, 16.051023635, 842242.7846, 1777222.325, 200203.0186, 1776607.254,
    842345.4985, 1777755.705, 762014.506, 1776660.3552, 547953.9621, 1775163.7841,
  ],
  [
    103.9, 22.3, 103.898096933, 22.300957255, 386497.1723, 2466553.5229, -232852.6539, 2483435.4743,
    386463.1078, 2467293.7851, 309169.8976, 2468050.0229, 102914.2017, 2471949.7851,
  ],
] as const;

test('places in VN-2000 are those of PROJ with the EPSG dataset, to a centimetre', () => {
  for (const [longitude, latitude, lon, lat, ...metres] of reference) {
    const [a, b] = readSystem('EPSG:4756', 'crs').project(longitude, latitude);
    // A hundred-millionth of a degree is about a millimetre.
    expect([a, b]).toEqual([expect.closeTo(lat, 7), expect.closeTo(lon, 7)]);
    for (const [index, code] of [3405, 3406, 5897, 9210, 5899].entries()) {
      const [easting, northing] = readSystem(`EPSG:${code}`, 'crs').project(longitude, latitude);
      expect([code, easting - (metres[2 * index] ?? NaN)]).toEqual([code, expect.closeTo(0, 2)]);
      expect([code, northing - (metres[2 * index + 1] ?? NaN)]).toEqual([
        code,
        expect.closeTo(0, 2),
      ]);
    }
  }
});

test('on its central meridian each zone has its false easting, after the shift of the datum', () => {
  const degrees = readSystem('EPSG:4756', 'crs');
  const zones = coordinateSystems().filter(({ name }) => /TM-3|UTM/.test(name));
  const found = zones.map((zone) => {
    // The easting falls to 500 km where the shifted longitude is the meridian: halve the way to it.
    let [west, east] = [90, 120];
    while (east - west > 1e-10) {
      const middle = (west + east) / 2;
      if (zone.project(middle, 16)[0] < 500_000) west = middle;
      else east = middle;
    }
    return degrees.project(west, 16)[1];
  });
  expect(found.toSorted((a, b) => a - b)).toEqual(
    [
      102, 103, 104, 104.5, 104.75, 105, 105, 105.5, 105.75, 106, 106.25, 106.5, 107, 107.25, 107.5,
      107.75, 108, 108.25, 108.5, 111,
    ].map((meridian) => expect.closeTo(meridian, 6)),
  );
});

test('GeoJSON’s own system gives longitude and latitude untouched, EPSG 4326 the other way round', () => {
  expect(readSystem(undefined, 'crs').uri).toBe(crs84);
  expect(readSystem(undefined, 'crs').project(105.1, 21.2)).toEqual([105.1, 21.2]);
  expect(readSystem('EPSG:4326', 'crs').project(105.1, 21.2)).toEqual([21.2, 105.1]);
});

test('an unknown system is refused with those that are known', () => {
  expect(() => readSystem('EPSG:27700', 'bbox-crs')).toThrow(
    expect.objectContaining({
      code: 'API_PARAMETER_INVALID',
      fields: expect.objectContaining({ parameter: 'bbox-crs' }),
    }),
  );
});
