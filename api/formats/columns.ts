/**
 * What the columns of all lists mean: one name means the same in every list. So CSV can be described
 * (CSVW), Parquet typed, and each name is a term with labels under `/api/v1/terms`.
 */
import type { Name } from '../../devices/model.ts';

/** `period`: an instant, or start and end with a slash between. */
export type ColumnType = 'text' | 'number' | 'integer' | 'boolean' | 'instant' | 'period';

export interface ColumnMeaning extends Name {
  readonly type: ColumnType;
  /** Term of a published vocabulary that says the same. */
  readonly same?: string;
  /** Between the values of a cell that holds several. */
  readonly separator?: string;
}

const sosa = 'http://www.w3.org/ns/sosa/';

function column(type: ColumnType, en: string, vi: string, same?: string): ColumnMeaning {
  return { type, en, vi, ...(same === undefined ? {} : { same }) };
}

export const columnMeanings: Readonly<Record<string, ColumnMeaning>> = {
  id: column('text', 'Identifier', 'Mã định danh', 'http://purl.org/dc/terms/identifier'),
  datastream: column('text', 'Datastream', 'Chuỗi số liệu'),
  station: column('text', 'Station', 'Trạm quan trắc', `${sosa}hasFeatureOfInterest`),
  slug: column('text', 'Name of the datastream at its station', 'Tên chuỗi số liệu tại trạm'),
  property: column('text', 'Observed property', 'Thông số quan trắc', `${sosa}observedProperty`),
  phenomenonTime: column(
    'period',
    'Time that the value is of: an instant, or start/end',
    'Thời gian của giá trị: một thời điểm, hoặc đầu/cuối',
    `${sosa}phenomenonTime`,
  ),
  resultTime: column(
    'instant',
    'Time at which the device made the result',
    'Thời điểm thiết bị cho kết quả',
    `${sosa}resultTime`,
  ),
  receivedAt: column('instant', 'Time of receipt', 'Thời điểm tiếp nhận'),
  publishedAt: column('instant', 'Time of publication', 'Thời điểm công bố'),
  result: column(
    'number',
    'Value in the unit; empty when missing',
    'Giá trị theo đơn vị; để trống khi thiếu',
    `${sosa}hasSimpleResult`,
  ),
  unit: column('text', 'Unit (UCUM code)', 'Đơn vị (mã UCUM)'),
  flag: column(
    'integer',
    'Quality flag: 1 good, 2 not evaluated, 3 suspect, 4 fail, 9 missing',
    'Cờ chất lượng: 1 tốt, 2 chưa đánh giá, 3 nghi ngờ, 4 không đạt, 9 thiếu',
  ),
  tests: column(
    'text',
    'Results of the quality tests, one digit each',
    'Kết quả các phép kiểm tra chất lượng, mỗi phép một chữ số',
  ),
  qualifiers: { ...column('text', 'Qualifiers', 'Ký hiệu bổ nghĩa'), separator: ' ' },
  reason: column('text', 'Why the value is missing', 'Lý do thiếu giá trị'),
  revision: column('integer', 'Revision, from 0', 'Lần sửa đổi, từ 0'),
  latitude: column(
    'number',
    'Latitude in degrees (WGS 84)',
    'Vĩ độ, tính bằng độ (WGS 84)',
    'http://www.w3.org/2003/01/geo/wgs84_pos#lat',
  ),
  longitude: column(
    'number',
    'Longitude in degrees (WGS 84)',
    'Kinh độ, tính bằng độ (WGS 84)',
    'http://www.w3.org/2003/01/geo/wgs84_pos#long',
  ),
  heightMetres: column(
    'number',
    'Height above ground in metres, depth when negative',
    'Độ cao so với mặt đất, tính bằng mét; âm là độ sâu',
  ),
  ageSeconds: column('integer', 'Age in seconds', 'Tuổi của giá trị, tính bằng giây'),
  stale: column('boolean', 'Older than two reporting intervals', 'Cũ hơn hai chu kỳ báo cáo'),
  rawName: column('text', 'Channel as the device named it', 'Tên kênh do thiết bị gửi'),
  rawValue: column('text', 'Value exactly as sent', 'Giá trị đúng như thiết bị gửi'),
  rawUnit: column('text', 'Unit exactly as sent', 'Đơn vị đúng như thiết bị gửi'),
  rawTime: column('text', 'Time exactly as sent', 'Thời gian đúng như thiết bị gửi'),
  ...registryColumns(),
  ...datasetColumns(),
  ...fileColumns(),
  ...windowColumns(),
  ...percentileColumns(),
  ...findingColumns(),
};

function registryColumns(): Record<string, ColumnMeaning> {
  return {
    nameVi: column('text', 'Name in Vietnamese', 'Tên tiếng Việt'),
    nameEn: column('text', 'Name in English', 'Tên tiếng Anh'),
    labelVi: column('text', 'Label in Vietnamese', 'Nhãn tiếng Việt'),
    labelEn: column('text', 'Label in English', 'Nhãn tiếng Anh'),
    meaningVi: column('text', 'Meaning in Vietnamese', 'Ý nghĩa bằng tiếng Việt'),
    meaningEn: column('text', 'Meaning in English', 'Ý nghĩa bằng tiếng Anh'),
    owner: column('text', 'Owner', 'Đơn vị chủ quản'),
    class: column('text', 'Class of the station', 'Loại trạm'),
    altitudeMetres: column(
      'number',
      'Altitude in metres',
      'Độ cao so với mực nước biển, tính bằng mét',
      'http://www.w3.org/2003/01/geo/wgs84_pos#alt',
    ),
    publicPrecisionMetres: column(
      'number',
      'Precision of the published place in metres',
      'Độ chính xác của vị trí công bố, tính bằng mét',
    ),
    timeZone: column('text', 'Time zone (IANA)', 'Múi giờ (IANA)'),
    province: column('text', 'Code of the province of today', 'Mã tỉnh hiện nay'),
    commune: column('text', 'Code of the commune of today', 'Mã xã hiện nay'),
    kind: column('text', 'Kind', 'Thể loại'),
    aggregation: column('text', 'What a value is of its interval', 'Cách gộp trong chu kỳ'),
    intervalMs: column(
      'integer',
      'Reporting interval in milliseconds',
      'Chu kỳ báo cáo, tính bằng mili giây',
    ),
    visibility: column('text', 'Who may see it', 'Phạm vi công khai'),
    domain: column('text', 'Domain', 'Lĩnh vực'),
    basis: column('text', 'Chemical basis', 'Cơ sở hoá học'),
    min: column('number', 'Minimum', 'Giá trị nhỏ nhất'),
    max: column('number', 'Maximum', 'Giá trị lớn nhất'),
    datastreams: column('integer', 'Number of datastreams', 'Số chuỗi số liệu'),
    stations: column('integer', 'Number of stations', 'Số trạm'),
    code: column('text', 'Official code', 'Mã chính thức'),
    parent: column('text', 'Owner above', 'Đơn vị cấp trên'),
    licence: column('text', 'Licence', 'Giấy phép', 'http://purl.org/dc/terms/license'),
    attribution: column('text', 'Attribution', 'Cách ghi nguồn'),
    embargoUntil: column('instant', 'Not open to all before', 'Chưa công khai trước thời điểm'),
    value: column('text', 'Value as it stands in rows', 'Giá trị như trong số liệu'),
    place: column('integer', 'Place in the order, from 1', 'Thứ tự, từ 1'),
    uri: column(
      'text',
      'URI that stands for it, or for the same in a published vocabulary',
      'URI định danh, hoặc của thuật ngữ đã công bố có cùng nghĩa',
    ),
    from: column('instant', 'Since', 'Từ'),
    to: column('instant', 'Until; empty: still', 'Đến; để trống: còn hiệu lực'),
    serial: column('text', 'Serial number of the instrument', 'Số sê-ri của thiết bị đo'),
    cause: column('text', 'Cause', 'Nguyên nhân'),
    visible: column('boolean', 'Visible from then on', 'Được xem từ đó'),
    url: column('text', 'Address of more', 'Địa chỉ chi tiết'),
    type: column('text', 'Type', 'Kiểu'),
    channel: column('text', 'Channel as the device names it', 'Tên kênh của thiết bị'),
    factor: column('number', 'Calibration factor', 'Hệ số hiệu chuẩn'),
    offset: column('number', 'Calibration offset', 'Độ lệch hiệu chuẩn'),
    device: column('text', 'Device', 'Thiết bị'),
  };
}

function datasetColumns(): Record<string, ColumnMeaning> {
  return {
    titleVi: column('text', 'Title in Vietnamese', 'Tên bộ dữ liệu bằng tiếng Việt'),
    titleEn: column('text', 'Title in English', 'Tên bộ dữ liệu bằng tiếng Anh'),
    state: column('text', 'Published or planned', 'Đã công bố hay dự kiến'),
    access: column('text', 'Who may have it', 'Phạm vi được tiếp cận'),
    series: column('integer', 'Number of series', 'Số chuỗi số liệu'),
    interval: column('text', 'Shortest reporting interval', 'Chu kỳ báo cáo ngắn nhất'),
    licences: { ...column('text', 'Licences', 'Các giấy phép'), separator: ' ' },
    observedProperties: {
      ...column('text', 'Observed properties', 'Các thông số quan trắc'),
      separator: ' ',
    },
    provinces: { ...column('text', 'Codes of provinces', 'Mã các tỉnh'), separator: ' ' },
    issued: column(
      'instant',
      'First published',
      'Công bố lần đầu',
      'http://purl.org/dc/terms/issued',
    ),
    modified: column(
      'instant',
      'Last changed',
      'Thay đổi gần nhất',
      'http://purl.org/dc/terms/modified',
    ),
    landingPage: column(
      'text',
      'Page that describes it',
      'Trang mô tả',
      'http://www.w3.org/ns/dcat#landingPage',
    ),
  };
}

/** Of the files of closed months. */
function fileColumns(): Record<string, ColumnMeaning> {
  return {
    month: column('text', 'Month of the station, YYYY-MM', 'Tháng theo giờ của trạm, YYYY-MM'),
    name: column('text', 'Name of the file', 'Tên tệp'),
    currentUrl: column(
      'text',
      'Address of whatever version is the newest',
      'Địa chỉ của phiên bản mới nhất',
    ),
    mediaType: column('text', 'Media type', 'Kiểu nội dung (media type)'),
    bytes: column('integer', 'Size in bytes', 'Kích thước, tính bằng byte'),
    sha256: column('text', 'SHA-256 in hexadecimal', 'Mã băm SHA-256 (hệ mười sáu)'),
    cursor: column(
      'text',
      'Change cursor that it is true at',
      'Con trỏ thay đổi tại đó số liệu đúng',
    ),
    version: column('text', 'Version', 'Phiên bản'),
    madeAt: column('instant', 'Time of making', 'Thời điểm tạo'),
    registryVersion: column('integer', 'Version of the registry', 'Phiên bản danh bạ'),
  };
}

/** Of search, the dictionary and figures of usage. */
function findingColumns(): Record<string, ColumnMeaning> {
  return {
    label: column('text', 'Label in the language asked for', 'Nhãn theo ngôn ngữ yêu cầu'),
    meaning: column('text', 'Meaning in the language asked for', 'Ý nghĩa theo ngôn ngữ yêu cầu'),
    expectedMin: column('number', 'Least that occurs in nature', 'Nhỏ nhất thường gặp'),
    expectedMax: column('number', 'Greatest that occurs in nature', 'Lớn nhất thường gặp'),
    nationalSymbol: column(
      'text',
      'Symbol of Circular 10/2021/TT-BTNMT',
      'Ký hiệu theo Thông tư 10/2021/TT-BTNMT',
    ),
    exactMatch: {
      ...column('text', 'Terms of the same meaning', 'Thuật ngữ cùng nghĩa'),
      separator: ' ',
    },
    closeMatch: {
      ...column('text', 'Terms of nearly the same meaning', 'Thuật ngữ gần nghĩa'),
      separator: ' ',
    },
    day: column('text', 'Day (UTC)', 'Ngày (UTC)'),
    dataset: column('text', 'Dataset', 'Bộ dữ liệu'),
    resource: column('text', 'What was asked for', 'Nội dung được yêu cầu'),
    format: column('text', 'Format of the answer', 'Định dạng câu trả lời'),
    requests: column('integer', 'Number of requests', 'Số lượt yêu cầu'),
    rowsSent: column('integer', 'Rows given', 'Số dòng đã cung cấp'),
    bytesSent: column('integer', 'Bytes sent', 'Số byte đã gửi'),
    match: column('text', 'How well it matches what was asked', 'Mức độ khớp với nội dung tìm'),
    href: column('text', 'Address of its description', 'Địa chỉ của phần mô tả'),
  };
}

function windowColumns(): Record<string, ColumnMeaning> {
  return {
    window: column('text', 'Length of the window (ISO 8601)', 'Độ dài cửa sổ (ISO 8601)'),
    rows: column('integer', 'Rows that the values are of', 'Số dòng được tính'),
    expected: column('integer', 'Rows expected in the window', 'Số dòng cần có trong cửa sổ'),
    completeness: column(
      'number',
      'Part of the window that the rows stand for, 0 to 1',
      'Tỷ lệ cửa sổ có số liệu, từ 0 đến 1',
    ),
    suspect: column('integer', 'Suspect rows', 'Số dòng nghi ngờ'),
    failed: column('integer', 'Failed rows', 'Số dòng không đạt'),
    missing: column('integer', 'Missing values', 'Số giá trị thiếu'),
    mean: column('number', 'Mean', 'Giá trị trung bình'),
    sum: column('number', 'Sum', 'Tổng'),
    count: column('integer', 'Count', 'Số giá trị'),
    first: column('number', 'First value', 'Giá trị đầu'),
    last: column('number', 'Last value', 'Giá trị cuối'),
    sd: column('number', 'Standard deviation', 'Độ lệch chuẩn'),
    vectorDirection: column(
      'number',
      'Direction of the resultant wind',
      'Hướng gió trung bình theo vectơ',
    ),
    vectorSpeed: column(
      'number',
      'Speed of the resultant wind',
      'Tốc độ gió trung bình theo vectơ',
    ),
    vectorCount: column(
      'integer',
      'Pairs of direction and speed in the resultant wind',
      'Số cặp hướng và tốc độ trong gió trung bình theo vectơ',
    ),
    validity: column(
      'number',
      'Part of the received rows that is usable, 0 to 1',
      'Tỷ lệ số liệu nhận được dùng được, từ 0 đến 1',
    ),
    method: column('text', 'Function that fits what is measured', 'Cách tính phù hợp với thông số'),
  };
}

/** Those that can be asked for: the 1st to the 99th. */
function percentileColumns(): Record<string, ColumnMeaning> {
  const names = Array.from({ length: 99 }, (_, at) => String(at + 1));
  return Object.fromEntries(
    names.map((of) => [
      `p${of.padStart(2, '0')}`,
      column('number', `Percentile ${of}`, `Phân vị thứ ${of}`),
    ]),
  );
}

/** Every column of every list has one. */
export function meaningOf(name: string): ColumnMeaning {
  const meaning = columnMeanings[name];
  if (meaning === undefined) throw new Error(`no meaning is written down for the column ${name}`);
  return meaning;
}
