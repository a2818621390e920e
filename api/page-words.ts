/** Every word of the live page, and of pages and charts beside it, in both languages. */
export type Language = 'vi' | 'en';

const words = {
  title: ['Mạng quan trắc', 'Monitoring network'],
  skip: ['Đến danh sách trạm', 'Skip to the stations'],
  language: ['English', 'Tiếng Việt'],
  languageLabel: ['Chuyển sang tiếng Anh', 'Switch to Vietnamese'],
  live: ['Trực tiếp', 'Live'],
  offline: ['Mất kết nối, đang thử lại', 'Disconnected, trying again'],
  stations: ['Trạm', 'Stations'],
  search: ['Tìm trạm', 'Find a station'],
  map: ['Bản đồ trạm', 'Map of stations'],
  noMap: [
    'Trình duyệt không vẽ được bản đồ; danh sách có đủ mọi trạm.',
    'This browser cannot draw the map; the list has every station.',
  ],
  none: ['Chưa có trạm nào gửi dữ liệu.', 'No station has sent anything yet.'],
  noMatch: ['Không có trạm nào khớp.', 'No station matches.'],
  loading: ['Đang tải…', 'Loading…'],
  failed: [
    'Không tải được dữ liệu. Thử lại sau giây lát.',
    'The data could not be loaded. Try again in a moment.',
  ],
  property: ['Thông số', 'Property'],
  value: ['Giá trị', 'Value'],
  quality: ['Chất lượng', 'Quality'],
  time: ['Thời gian', 'Time'],
  chart: ['Biểu đồ 24 giờ', 'Chart of 24 hours'],
  chartOf: ['Biểu đồ', 'Chart'],
  close: ['Đóng', 'Close'],
  choose: ['Chọn một trạm để xem giá trị.', 'Choose a station to see its values.'],
  stale: ['quá hạn', 'stale'],
  noValue: ['không có giá trị', 'no value'],
  contents: ['Mục lục', 'Contents'],
  openData: ['Dữ liệu mở', 'Open data'],
  reference: ['trạm chuẩn', 'reference station'],
  regulatory: ['trạm quản lý nhà nước', 'regulatory station'],
  enterprise: ['trạm của doanh nghiệp', 'enterprise station'],
  indicative: ['trạm tham khảo', 'indicative station'],
  citizen: ['trạm của người dân', 'citizen station'],
  MISSING: ['thiết bị không gửi', 'nothing was sent'],
  SENTINEL: ['thiết bị báo không có giá trị', 'the device reported no value'],
  ERASED: ['đã xoá theo pháp luật', 'erased by law'],
  DEVICE_STATUS: ['thiết bị không đo', 'the device was not measuring'],
  flag1: ['tốt', 'good'],
  flag2: ['chưa đánh giá', 'not evaluated'],
  flag3: ['nghi ngờ', 'suspect'],
  flag4: ['không đạt', 'fail'],
  flag9: ['thiếu', 'missing'],
} as const satisfies Record<string, readonly [string, string]>;

export type Word = keyof typeof words;

export function say(language: Language, word: Word): string {
  return words[word][language === 'vi' ? 0 : 1];
}

export function sayFlag(language: Language, flag: number): string {
  return sayOr(language, `flag${flag}`, String(flag));
}

/** Of a station. */
export function sayClass(language: Language, name: string): string {
  return sayOr(language, name, name);
}

/** Why there is no value. */
export function sayReason(language: Language, reason: string | null): string {
  return reason === null ? '' : sayOr(language, reason, reason);
}

/** A code that a later server may have added is shown as it is. */
function sayOr(language: Language, word: string, otherwise: string): string {
  return Object.hasOwn(words, word) ? say(language, word as Word) : otherwise;
}

/** Decimal comma in Vietnamese; never more digits than a reader can use. */
export function sayNumber(language: Language, value: number): string {
  const locale = language === 'vi' ? 'vi-VN' : 'en-GB';
  const size = Math.abs(value);
  const maximumFractionDigits = size >= 1_000 ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : 4;
  return value.toLocaleString(locale, { maximumFractionDigits });
}

/** Field spellings that people read more easily than UCUM codes. */
const unitSpellings: Readonly<Record<string, string>> = {
  Cel: '°C',
  'ug/m3': 'µg/m³',
  'mg/m3': 'mg/m³',
  'm3/s': 'm³/s',
  'W/m2': 'W/m²',
  deg: '°',
  'uS/cm': 'µS/cm',
  '[pH]': '',
  '[ppm]': 'ppm',
  '[ppb]': 'ppb',
};

export function sayUnit(unit: string): string {
  return unitSpellings[unit] ?? unit.replace(/[{}[\]]/g, '');
}

export function sayTime(language: Language, at: number, timeZone: string): string {
  return new Intl.DateTimeFormat(language === 'vi' ? 'vi-VN' : 'en-GB', {
    timeZone,
    day: '2-digit',
    month: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  }).format(at);
}

/** For search: without diacritics, đ as d, lower case. */
export function foldText(text: string): string {
  return text
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/g, '')
    .replace(/[đĐ]/g, 'd')
    .toLowerCase();
}
