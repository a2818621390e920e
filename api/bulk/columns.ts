/** The columns of the files as their descriptions say them: types of Table Schema, units in UCUM. */
import type { Name } from '../../devices/model.ts';

export interface DescribedColumn {
  readonly name: string;
  readonly type: 'string' | 'datetime' | 'number' | 'integer';
  readonly title: Name;
  readonly description: string;
  /** Never empty. */
  readonly isRequired: boolean;
  readonly values?: readonly number[];
  /** UCUM. */
  readonly unit?: string;
}

const flagValues = [1, 2, 3, 4, 9] as const;

const names = {
  id: column('id', 'string', ['Mã quan trắc', 'Observation'], 'Id of the observation.', true),
  datastream: column('datastream', 'string', ['Chuỗi số liệu', 'Datastream'], 'Id.', true),
  station: column('station', 'string', ['Trạm', 'Station'], 'Id.', true),
  slug: column('slug', 'string', ['Tên ngắn', 'Slug'], 'Of the datastream in its station.', true),
  property: column('property', 'string', ['Thông số', 'Property'], 'Id.', true),
  resultTime: column(
    'resultTime',
    'datetime',
    ['Thời điểm có kết quả', 'Result time'],
    'As the device gave it; empty where it gave none.',
    false,
  ),
  receivedAt: column(
    'receivedAt',
    'datetime',
    ['Thời điểm nhận', 'Received at'],
    'When it came in.',
    true,
  ),
  result: column(
    'result',
    'number',
    ['Kết quả', 'Result'],
    'In the unit; empty always has flag 9 and a reason.',
    false,
  ),
  unit: column('unit', 'string', ['Đơn vị', 'Unit'], 'UCUM code.', true),
  flag: {
    ...column(
      'flag',
      'integer',
      ['Cờ chất lượng', 'Quality flag'],
      'QARTOD: 1 good, 2 not evaluated, 3 suspect, 4 fail, 9 missing.',
      true,
    ),
    values: flagValues,
  },
  tests: column('tests', 'string', ['Kiểm tra', 'Tests'], 'One digit a test.', true),
  qualifiers: column(
    'qualifiers',
    'string',
    ['Ghi chú chất lượng', 'Qualifiers'],
    'Names with spaces between.',
    false,
  ),
  reason: column('reason', 'string', ['Lý do', 'Reason'], 'Why there is no result.', false),
  revision: column('revision', 'integer', ['Lần sửa', 'Revision'], 'From 0.', true),
  latitude: {
    ...column('latitude', 'number', ['Vĩ độ', 'Latitude'], 'Of a moving platform.', false),
    unit: 'deg',
  },
  longitude: {
    ...column('longitude', 'number', ['Kinh độ', 'Longitude'], 'Of a moving platform.', false),
    unit: 'deg',
  },
  heightMetres: {
    ...column(
      'heightMetres',
      'number',
      ['Độ cao', 'Height'],
      'Own height, or depth when negative.',
      false,
    ),
    unit: 'm',
  },
} as const satisfies Record<string, DescribedColumn>;

const place = [names.latitude, names.longitude, names.heightMetres];
const ids = [names.id, names.datastream, names.station, names.slug, names.property];
const verdict = [names.flag, names.tests, names.qualifiers, names.reason, names.revision];

/** As `/observations.csv?include=position` has them. */
export const csvColumns: readonly DescribedColumn[] = [
  ...ids,
  column(
    'phenomenonTime',
    'string',
    ['Thời gian quan trắc', 'Phenomenon time'],
    'RFC 3339 with the offset of the station: an instant, or start/end.',
    true,
  ),
  names.resultTime,
  names.receivedAt,
  names.result,
  names.unit,
  ...verdict,
  ...place,
];

/** As `formats/parquet-rows.ts` writes them. */
export const parquetColumns: readonly DescribedColumn[] = [
  ...ids,
  column(
    'phenomenonTime',
    'datetime',
    ['Kết thúc quan trắc', 'End of phenomenon time'],
    'By which rows are sorted within a datastream.',
    true,
  ),
  column(
    'phenomenonTimeStart',
    'datetime',
    ['Bắt đầu quan trắc', 'Start of phenomenon time'],
    'Equal to the end for an instant.',
    true,
  ),
  names.resultTime,
  names.receivedAt,
  column('timeZone', 'string', ['Múi giờ', 'Time zone'], 'IANA zone of the station.', true),
  names.result,
  names.unit,
  ...verdict,
  ...place,
];

function column(
  name: string,
  type: DescribedColumn['type'],
  [vi, en]: readonly [string, string],
  ...[description, isRequired]: readonly [string, boolean]
): DescribedColumn {
  return { name, type, title: { vi, en }, description, isRequired };
}
