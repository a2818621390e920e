/** Every word of a chart in both languages, and which of them a request asks for. */
import type { Name } from '../../devices/model.ts';
import type { Language } from '../page-words.ts';

export const languages = ['vi', 'en'] as const;

const words = {
  noValues: { vi: 'Không có giá trị trong khoảng này', en: 'No values in this span' },
  suspect: { vi: 'nghi ngờ', en: 'suspect' },
  failed: { vi: 'không đạt kiểm tra', en: 'failed a test' },
  range: { vi: 'nhỏ nhất đến lớn nhất', en: 'least to greatest' },
  source: { vi: 'Nguồn', en: 'Source' },
  licence: { vi: 'Giấy phép', en: 'Licence' },
  localTime: { vi: 'giờ địa phương', en: 'local time' },
  asOf: { vi: 'theo công bố lúc', en: 'as published at' },
  station: { vi: 'trạm', en: 'stations' },
  values: { vi: 'giá trị', en: 'values' },
  least: { vi: 'nhỏ nhất', en: 'least' },
  greatest: { vi: 'lớn nhất', en: 'greatest' },
  last: { vi: 'cuối', en: 'last' },
  height: { vi: 'ở độ cao', en: 'at' },
  north: { vi: 'B', en: 'N' },
  east: { vi: 'Đ', en: 'E' },
  south: { vi: 'N', en: 'S' },
  west: { vi: 'T', en: 'W' },
  PT1M: { vi: 'theo phút', en: 'by minute' },
  PT1H: { vi: 'theo giờ', en: 'hourly' },
  P1D: { vi: 'theo ngày', en: 'daily' },
  P1M: { vi: 'theo tháng', en: 'monthly' },
  P1Y: { vi: 'theo năm', en: 'yearly' },
  mean: { vi: 'trung bình', en: 'mean' },
  sum: { vi: 'tổng', en: 'sum' },
  min: { vi: 'nhỏ nhất', en: 'minimum' },
  max: { vi: 'lớn nhất', en: 'maximum' },
  first: { vi: 'đầu', en: 'first' },
  count: { vi: 'số giá trị', en: 'count' },
  sd: { vi: 'độ lệch chuẩn', en: 'standard deviation' },
  vectorDirection: { vi: 'hướng gió tổng hợp', en: 'resultant direction' },
  vectorSpeed: { vi: 'tốc độ gió tổng hợp', en: 'resultant speed' },
  vectorCount: { vi: 'số cặp tốc độ và hướng', en: 'pairs of speed and direction' },
  percentile: { vi: 'phân vị', en: 'percentile' },
} as const satisfies Readonly<Record<string, Name>>;

export type ChartWord = keyof typeof words;

export function word(language: Language, name: ChartWord): string {
  return words[name][language];
}

/** A function of a window by its name: `p95` is the percentile 95. */
export function functionWord(language: Language, name: string): string {
  if (Object.hasOwn(words, name)) return words[name as ChartWord][language];
  return `${words.percentile[language]} ${Number(name.slice(1))}`;
}

/** `lang`, else the language that Accept-Language weighs most (RFC 9110 §12.5.4), else Vietnamese. */
export function chooseLanguage(
  wished: Language | undefined,
  acceptLanguage: string | undefined,
): Language {
  if (wished !== undefined) return wished;
  let best: Language = 'vi';
  let bestWeight = 0;
  for (const entry of (acceptLanguage ?? '').slice(0, 500).split(',')) {
    const [range = '', ...parameters] = entry.split(';').map((part) => part.trim().toLowerCase());
    const found = languages.find((each) => range === each || range.startsWith(`${each}-`));
    const given = parameters.find((each) => each.startsWith('q='));
    const weight = given === undefined ? 1 : Number(given.slice(2));
    if (found !== undefined && weight > bestWeight) {
      best = found;
      bestWeight = weight;
    }
  }
  return best;
}
