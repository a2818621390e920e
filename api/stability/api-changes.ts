import type { Name } from '../../devices/model.ts';

/** One dated change of what clients may rely on. */
export interface ApiChange {
  /** Part of its address in the feed: never changes. */
  readonly id: string;
  /** Day, UTC. */
  readonly date: string;
  readonly kind: 'added' | 'deprecated' | 'removed';
  readonly title: Name;
  readonly text: Name;
  /** Beginnings of the addresses that are new with it. */
  readonly adds: readonly string[];
}

/** Newest first. Every address of version 1 is named by one of them. */
export const apiChanges: readonly ApiChange[] = [
  {
    id: 'finding',
    date: '2026-11-22',
    kind: 'added',
    title: {
      vi: 'Tìm kiếm, từ điển dữ liệu, số liệu sử dụng',
      en: 'Search, data dictionary, usage',
    },
    text: {
      vi: 'Tìm trạm, thông số, bộ dữ liệu và đơn vị chủ quản theo tên, không cần dấu; giải nghĩa mọi thông số, trường và mã chất lượng; số lượt sử dụng từng bộ dữ liệu.',
      en: 'Stations, properties, datasets and owners by name, without diacritics; every property, field and word of quality explained; how much each dataset is used.',
    },
    adds: ['/api/v1/search', '/api/v1/dictionary', '/api/v1/usage'],
  },
  {
    id: 'maps',
    date: '2026-11-22',
    kind: 'added',
    title: { vi: 'Bản đồ', en: 'Maps' },
    text: {
      vi: 'Trạm và giá trị mới nhất theo OGC API Features và ô bản đồ véc-tơ, kèm hệ tọa độ VN-2000.',
      en: 'Stations and latest values as OGC API Features and vector tiles, with VN-2000 beside WGS 84.',
    },
    adds: ['/ogc/'],
  },
  {
    id: 'api-changes',
    date: '2026-11-22',
    kind: 'added',
    title: { vi: 'Nhật ký thay đổi API', en: 'Feed of API changes' },
    text: {
      vi: 'Mọi thay đổi của API có ngày tháng, dạng JSON và Atom; địa chỉ sắp ngừng có tiêu đề Deprecation và Sunset.',
      en: 'Every change of the API with its date, as JSON and Atom; what is to end carries the headers Deprecation and Sunset.',
    },
    adds: ['/api/v1/api-changes'],
  },
  {
    id: 'v1',
    date: '2026-11-22',
    kind: 'added',
    title: { vi: 'Phiên bản 1', en: 'Version 1' },
    text: {
      vi: 'Phiên bản 1 của API đọc: trạm, chuỗi số liệu, giá trị, tổng hợp, thay đổi và luồng trực tiếp. Phiên bản này chỉ được bổ sung.',
      en: 'Version 1 of the reading API: stations, series, rows, windows, changes and the live stream. It grows by addition only.',
    },
    adds: [
      '/api/v1/',
      '/api/v1/aggregates',
      '/api/v1/changes',
      '/api/v1/datastreams',
      '/api/v1/latest',
      '/api/v1/live',
      '/api/v1/observations',
      '/api/v1/owners',
      '/api/v1/properties',
      '/api/v1/stations',
    ],
  },
];

/** The change that an address came with: that of the longest beginning. */
export function changeOf(path: string, changes: readonly ApiChange[]): ApiChange | undefined {
  let found: ApiChange | undefined;
  let length = 0;
  for (const change of changes) {
    for (const beginning of change.adds) {
      const isMet = path === beginning || (beginning !== '/api/v1/' && path.startsWith(beginning));
      if (isMet && beginning.length > length) {
        found = change;
        length = beginning.length;
      }
    }
  }
  return found;
}
