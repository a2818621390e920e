/**
 * Provinces of Viet Nam with the time their codes held. A code outlives a merger and may name
 * another place afterwards (15 was Yên Bái and is Lào Cai), so a station keeps its history as
 * periods and nothing is rewritten.
 *
 * Sources: Decision 19/2025/QĐ-TTg (34 provinces, in force 1 July 2025); Decision 124/2004/QĐ-TTg
 * as amended (63 provinces until then); Resolution 202/2025/QH15 (which province went where).
 */
export interface Province {
  /** Two digits, a text: the leading zero counts. */
  readonly code: string;
  /** Vietnamese name without its kind (tỉnh, thành phố). */
  readonly name: string;
  /** Local date from which the code meant this; none means as far back as the platform asks. */
  readonly from?: string;
  /** Local date until which, exclusive; none means still. */
  readonly to?: string;
  /** Code of the province that holds this place from `to` on. */
  readonly successor?: string;
}

/** The day of the merger, at the start of which codes change their meaning. */
export const mergerDate = '2025-07-01';

/** The 34 provinces of Decision 19/2025/QĐ-TTg. */
export const provinces2025: readonly Province[] = [
  ['01', 'Hà Nội'],
  ['04', 'Cao Bằng'],
  ['08', 'Tuyên Quang'],
  ['11', 'Điện Biên'],
  ['12', 'Lai Châu'],
  ['14', 'Sơn La'],
  ['15', 'Lào Cai'],
  ['19', 'Thái Nguyên'],
  ['20', 'Lạng Sơn'],
  ['22', 'Quảng Ninh'],
  ['24', 'Bắc Ninh'],
  ['25', 'Phú Thọ'],
  ['31', 'Hải Phòng'],
  ['33', 'Hưng Yên'],
  ['37', 'Ninh Bình'],
  ['38', 'Thanh Hóa'],
  ['40', 'Nghệ An'],
  ['42', 'Hà Tĩnh'],
  ['44', 'Quảng Trị'],
  ['46', 'Huế'],
  ['48', 'Đà Nẵng'],
  ['51', 'Quảng Ngãi'],
  ['52', 'Gia Lai'],
  ['56', 'Khánh Hòa'],
  ['66', 'Đắk Lắk'],
  ['68', 'Lâm Đồng'],
  ['75', 'Đồng Nai'],
  ['79', 'Hồ Chí Minh'],
  ['80', 'Tây Ninh'],
  ['82', 'Đồng Tháp'],
  ['86', 'Vĩnh Long'],
  ['91', 'An Giang'],
  ['92', 'Cần Thơ'],
  ['96', 'Cà Mau'],
].map(([code = '', name = '']) => ({ code, name, from: mergerDate }));

/** The 63 provinces before it, each with the province it became part of. */
export const provinces2004: readonly Province[] = [
  ['01', 'Hà Nội', '01'],
  ['02', 'Hà Giang', '08'],
  ['04', 'Cao Bằng', '04'],
  ['06', 'Bắc Kạn', '19'],
  ['08', 'Tuyên Quang', '08'],
  ['10', 'Lào Cai', '15'],
  ['11', 'Điện Biên', '11'],
  ['12', 'Lai Châu', '12'],
  ['14', 'Sơn La', '14'],
  ['15', 'Yên Bái', '15'],
  ['17', 'Hòa Bình', '25'],
  ['19', 'Thái Nguyên', '19'],
  ['20', 'Lạng Sơn', '20'],
  ['22', 'Quảng Ninh', '22'],
  ['24', 'Bắc Giang', '24'],
  ['25', 'Phú Thọ', '25'],
  ['26', 'Vĩnh Phúc', '25'],
  ['27', 'Bắc Ninh', '24'],
  ['30', 'Hải Dương', '31'],
  ['31', 'Hải Phòng', '31'],
  ['33', 'Hưng Yên', '33'],
  ['34', 'Thái Bình', '33'],
  ['35', 'Hà Nam', '37'],
  ['36', 'Nam Định', '37'],
  ['37', 'Ninh Bình', '37'],
  ['38', 'Thanh Hóa', '38'],
  ['40', 'Nghệ An', '40'],
  ['42', 'Hà Tĩnh', '42'],
  ['44', 'Quảng Bình', '44'],
  ['45', 'Quảng Trị', '44'],
  ['46', 'Thừa Thiên Huế', '46'],
  ['48', 'Đà Nẵng', '48'],
  ['49', 'Quảng Nam', '48'],
  ['51', 'Quảng Ngãi', '51'],
  ['52', 'Bình Định', '52'],
  ['54', 'Phú Yên', '66'],
  ['56', 'Khánh Hòa', '56'],
  ['58', 'Ninh Thuận', '56'],
  ['60', 'Bình Thuận', '68'],
  ['62', 'Kon Tum', '51'],
  ['64', 'Gia Lai', '52'],
  ['66', 'Đắk Lắk', '66'],
  ['67', 'Đắk Nông', '68'],
  ['68', 'Lâm Đồng', '68'],
  ['70', 'Bình Phước', '75'],
  ['72', 'Tây Ninh', '80'],
  ['74', 'Bình Dương', '79'],
  ['75', 'Đồng Nai', '75'],
  ['77', 'Bà Rịa - Vũng Tàu', '79'],
  ['79', 'Hồ Chí Minh', '79'],
  ['80', 'Long An', '80'],
  ['82', 'Tiền Giang', '82'],
  ['83', 'Bến Tre', '86'],
  ['84', 'Trà Vinh', '86'],
  ['86', 'Vĩnh Long', '86'],
  ['87', 'Đồng Tháp', '82'],
  ['89', 'An Giang', '91'],
  ['91', 'Kiên Giang', '91'],
  ['92', 'Cần Thơ', '92'],
  ['93', 'Hậu Giang', '92'],
  ['94', 'Sóc Trăng', '92'],
  ['95', 'Bạc Liêu', '96'],
  ['96', 'Cà Mau', '96'],
].map(([code = '', name = '', successor = '']) => ({ code, name, to: mergerDate, successor }));

/** The province that a code named on a local date (`YYYY-MM-DD`); undefined when it named none. */
export function provinceOf(code: string, localDate: string): Province | undefined {
  const table = localDate < mergerDate ? provinces2004 : provinces2025;
  return table.find((province) => province.code === code);
}

/** ISO 3166-2, for stations abroad: the national tables know nothing of them. */
const foreignPattern = /^(?!VN-)[A-Z]{2}-[A-Z0-9]{1,3}$/;

/**
 * Whether a code may stand for a whole period. A period that runs across the merger is right only
 * for a code whose place kept its code: a code that changed its meaning needs two periods.
 */
export function provinceHolds(
  code: string,
  period: { readonly beforeMerger: boolean; readonly afterMerger: boolean },
): boolean {
  if (foreignPattern.test(code)) return true;
  const before = provinces2004.find((province) => province.code === code);
  const after = provinces2025.find((province) => province.code === code);
  if (period.beforeMerger && before === undefined) return false;
  if (period.afterMerger && after === undefined) return false;
  return !period.beforeMerger || !period.afterMerger || before?.successor === after?.code;
}
