/** Every word of the pages of things in both languages. */
import type { Language } from '../page-words.ts';

const words = {
  contents: ['Mục lục', 'Contents'],
  owners: ['Đơn vị chủ quản', 'Owners'],
  licences: ['Giấy phép', 'Licences'],
  units: ['Đơn vị đo', 'Units'],
  flags: ['Cờ chất lượng', 'Quality flags'],
  services: ['Dịch vụ', 'Services'],
  brand: ['Quantrac – dữ liệu quan trắc mở', 'Quantrac – open monitoring data'],
  skip: ['Đến nội dung chính', 'Skip to the content'],
  otherLanguage: ['English', 'Tiếng Việt'],
  forPrograms: ['Dạng cho máy đọc (JSON-LD)', 'For programs (JSON-LD)'],
  about: ['Thông tin', 'About'],
  address: ['Địa chỉ cố định', 'Permanent address'],
  id: ['Mã', 'Identifier'],
  owner: ['Đơn vị chủ quản', 'Owner'],
  parent: ['Đơn vị cấp trên', 'Body above'],
  class: ['Loại trạm', 'Class'],
  place: ['Vị trí (vĩ độ, kinh độ)', 'Place (latitude, longitude)'],
  altitude: ['Độ cao', 'Altitude'],
  timeZone: ['Múi giờ', 'Time zone'],
  latest: ['Giá trị mới nhất', 'Latest values'],
  property: ['Thông số', 'Property'],
  properties: ['Thông số', 'Properties'],
  value: ['Giá trị', 'Value'],
  time: ['Thời gian', 'Time'],
  age: ['Cách đây', 'Age'],
  quality: ['Chất lượng', 'Quality'],
  more: ['Xem thêm', 'More'],
  chart: ['Biểu đồ', 'Chart'],
  rows: ['Số liệu (CSV)', 'Rows (CSV)'],
  stale: ['quá hạn', 'stale'],
  noValue: ['không có giá trị', 'no value'],
  nothingYet: ['Chưa có giá trị nào.', 'There are no values yet.'],
  download: ['Tải và truy cập số liệu', 'Getting the data'],
  latestJson: ['Giá trị mới nhất (JSON)', 'Latest values (JSON)'],
  allRows: ['Toàn bộ số liệu (CSV)', 'All rows (CSV)'],
  changes: ['Các thay đổi', 'Changes'],
  station: ['Trạm', 'Station'],
  stations: ['Trạm', 'Stations'],
  datasets: ['Bộ dữ liệu', 'Datasets'],
  dataset: ['Bộ dữ liệu', 'Dataset'],
  datastream: ['Chuỗi số liệu', 'Datastream'],
  datastreams: ['Chuỗi số liệu', 'Datastreams'],
  licence: ['Giấy phép', 'Licence'],
  terms: ['Nội dung giấy phép', 'Text of the licence'],
  unit: ['Đơn vị', 'Unit'],
  unitCode: ['Mã UCUM', 'UCUM code'],
  domain: ['Lĩnh vực', 'Domain'],
  basis: ['Cơ sở hoá học', 'Chemical basis'],
  plausible: ['Khoảng hợp lý', 'Plausible range'],
  expected: ['Khoảng thường gặp', 'Expected range'],
  nationalSymbol: ['Ký hiệu theo Thông tư 10/2021', 'Symbol of Circular 10/2021'],
  sameTerms: ['Thuật ngữ cùng nghĩa', 'Terms of the same meaning'],
  closeTerms: ['Thuật ngữ gần nghĩa', 'Terms of nearly the same meaning'],
  interval: ['Chu kỳ báo cáo', 'Reporting interval'],
  aggregation: ['Cách gộp trong chu kỳ', 'What a value is of its interval'],
  height: ['Độ cao so với mặt đất', 'Height above ground'],
  meaning: ['Ý nghĩa', 'Meaning'],
  flag: ['Cờ chất lượng', 'Quality flag'],
  service: ['Dịch vụ', 'Service'],
  endpoint: ['Địa chỉ truy cập', 'Endpoint'],
  description: ['Mô tả', 'Description'],
  distribution: ['Bản phân phối', 'Distribution'],
  format: ['Định dạng', 'Format'],
  from: ['Số liệu từ', 'Data since'],
  planned: ['Dự kiến mở', 'To be opened'],
  usage: ['Số liệu sử dụng', 'Figures of usage'],
  catalogue: ['Mô tả đầy đủ (DCAT)', 'Full description (DCAT)'],
  moreStations: ['Còn nữa: xem toàn bộ danh sách', 'There are more: see the whole list'],
  unknown: ['Không tìm thấy', 'Not found'],
  unknownText: [
    'Không có gì ở địa chỉ này, hoặc bạn không có quyền xem.',
    'There is nothing at this address, or you may not see it.',
  ],
  search: ['Tìm trạm, thông số, bộ dữ liệu', 'Find stations, properties, datasets'],
  instant: ['giá trị tức thời', 'instant value'],
  mean: ['trung bình', 'mean'],
  sum: ['tổng', 'sum'],
  min: ['nhỏ nhất', 'minimum'],
  max: ['lớn nhất', 'maximum'],
  counter: ['bộ đếm', 'counter'],
} as const satisfies Readonly<Record<string, readonly [vi: string, en: string]>>;

export type PageWord = keyof typeof words;

export function sayOn(language: Language, word: PageWord): string {
  return words[word][language === 'vi' ? 0 : 1];
}

const spans: readonly (readonly [seconds: number, vi: string, en: string, many: string])[] = [
  [86_400, 'ngày', 'day', 'days'],
  [3_600, 'giờ', 'hour', 'hours'],
  [60, 'phút', 'minute', 'minutes'],
  [1, 'giây', 'second', 'seconds'],
];

/** In the greatest whole unit: `5 phút`, `5 minutes`. */
export function sayDuration(language: Language, seconds: number): string {
  const [length, vi, one, many] = spans.find(([each]) => seconds >= each) ?? [
    1,
    'giây',
    'second',
    'seconds',
  ];
  const count = Math.floor(seconds / length);
  return `${count} ${language === 'vi' ? vi : count === 1 ? one : many}`;
}

/** All digits that it has: `26,4` in Vietnamese. */
export function sayExactly(language: Language, text: string): string {
  return language === 'vi' ? text.replace('.', ',') : text;
}

/** Of RFC 3339 with the offset of the station: its own clock, without seconds where there are none. */
export function sayInstant(language: Language, text: string): string {
  const [, year, month, day, clock = '', seconds] =
    /^(\d{4,})-(\d\d)-(\d\d)T(\d\d:\d\d):(\d\d)/.exec(text) ?? [];
  if (year === undefined) return text;
  const time = seconds === '00' ? clock : `${clock}:${seconds}`;
  return language === 'vi' ? `${day}/${month}/${year} ${time}` : `${year}-${month}-${day} ${time}`;
}
