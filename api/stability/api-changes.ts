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
    id: 'access-log-doors',
    date: '2026-11-23',
    kind: 'added',
    title: { vi: 'Nhật ký truy cập theo từng kênh', en: 'The access log by doors' },
    text: {
      vi: 'Nhật ký truy cập của khóa có thêm cột `door` (http, sse, websocket, mqtt, webhook) và `requests`; luồng trực tiếp và thuê bao MQTT được ghi ngay khi đang diễn ra, kèm số dòng.',
      en: 'The access log of keys has the columns `door` (http, sse, websocket, mqtt, webhook) and `requests` too; live streams and MQTT subscriptions are in it while they go on, with their rows.',
    },
    adds: [],
  },
  {
    id: 'registry-as-of',
    date: '2026-11-23',
    kind: 'added',
    title: {
      vi: 'Trạm, chuỗi số liệu, đơn vị chủ quản tại một thời điểm',
      en: 'Stations, datastreams and owners as of a moment',
    },
    text: {
      vi: '`/stations`, `/datastreams`, `/properties`, `/deployments`, `/owners` và từng mục của chúng nhận tham số `asOf`: mạng quan trắc như đã công bố vào thời điểm đó, theo quyền xem của hôm nay. `/observations/{id}` cũng nhận `asOf`.',
      en: '`/stations`, `/datastreams`, `/properties`, `/deployments`, `/owners` and each of their items take `asOf`: the network as it was published at that moment, by the rights of today. `/observations/{id}` takes it too.',
    },
    adds: [],
  },
  {
    id: 'latest-as-of',
    date: '2026-11-23',
    kind: 'added',
    title: { vi: 'Giá trị mới nhất tại một thời điểm', en: 'Latest values as of a moment' },
    text: {
      vi: '`/latest` nhận tham số `asOf`: giá trị mới nhất của mỗi chuỗi như đã công bố vào thời điểm đó.',
      en: '`/latest` takes `asOf`: of each series the newest row, as it was published at that moment.',
    },
    adds: [],
  },
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
    id: 'webhooks',
    date: '2026-11-22',
    kind: 'added',
    title: { vi: 'Webhook', en: 'Webhooks' },
    text: {
      vi: 'Thay đổi được gửi tới địa chỉ của người đăng ký, ký theo Standard Webhooks, đúng thứ tự, ít nhất một lần.',
      en: 'Changes are posted to the address of a subscriber, signed as Standard Webhooks says, in order, at least once.',
    },
    adds: ['/api/v1/webhooks'],
  },
  {
    id: 'access-requests',
    date: '2026-11-22',
    kind: 'added',
    title: { vi: 'Yêu cầu tiếp cận', en: 'Requests for access' },
    text: {
      vi: 'Cơ quan, doanh nghiệp yêu cầu được đọc số liệu không công khai; mỗi yêu cầu có thời hạn, quyết định và lý do.',
      en: 'Bodies and firms ask to read what is not open; each request has a deadline, a decision and its reason.',
    },
    adds: ['/api/v1/access-requests'],
  },
  {
    id: 'manifests',
    date: '2026-11-22',
    kind: 'added',
    title: { vi: 'Bản kê có chữ ký', en: 'Signed manifests' },
    text: {
      vi: 'Mỗi ngày một bản kê số liệu mở, ký bằng Ed25519 và nối chuỗi: bản sao được kiểm chứng mà không cần tin máy chủ.',
      en: 'A manifest of the open data each day, signed with Ed25519 and chained: a copy is proved without trusting the server.',
    },
    adds: ['/api/v1/manifests'],
  },
  {
    id: 'files',
    date: '2026-11-22',
    kind: 'added',
    title: { vi: 'Tệp theo tháng và trích dẫn', en: 'Files of months, citations' },
    text: {
      vi: 'Mỗi bộ dữ liệu mỗi tháng một tệp Parquet và CSV nén gzip, có SHA-256; trích dẫn cho lại đúng từng byte về sau.',
      en: 'One file a dataset and month, as Parquet and CSV under gzip, with SHA-256; a citation gives the same bytes later.',
    },
    adds: ['/api/v1/files', '/api/v1/datasets/{id}/files', '/api/v1/citations'],
  },
  {
    id: 'catalogue',
    date: '2026-11-22',
    kind: 'added',
    title: { vi: 'Danh mục dữ liệu', en: 'Catalogue' },
    text: {
      vi: 'Bộ dữ liệu theo mạng và lĩnh vực, theo trạm và thông số; mô tả theo DCAT-AP 3, CKAN, data.json, ISO 19139, schema.org và Data Package.',
      en: 'Datasets by network and domain, by station and property; described as DCAT-AP 3, CKAN, data.json, ISO 19139, schema.org and Data Package.',
    },
    adds: ['/api/v1/datasets', '/catalog', '/data.json', '/api/3/action/'],
  },
  {
    id: 'charts',
    date: '2026-11-22',
    kind: 'added',
    title: { vi: 'Biểu đồ', en: 'Charts' },
    text: {
      vi: 'Số liệu và tổng hợp vẽ thành SVG và PNG để nhúng vào trang bất kỳ.',
      en: 'Rows and windows drawn as SVG and PNG, for any page to embed.',
    },
    adds: [
      '/api/v1/observations.svg',
      '/api/v1/observations.png',
      '/api/v1/aggregates.svg',
      '/api/v1/aggregates.png',
    ],
  },
  {
    id: 'formats',
    date: '2026-11-22',
    kind: 'added',
    title: { vi: 'Định dạng, thuật ngữ và lịch sử lắp đặt', en: 'Formats, terms, deployments' },
    text: {
      vi: 'Mọi danh sách có thêm JSON-LD, Parquet, CoverageJSON và mô tả CSVW; nghĩa của cột và của cờ chất lượng; thiết bị nào đo chuỗi nào; sự kiện dạng Atom.',
      en: 'Every list as JSON-LD, Parquet and CoverageJSON too, its CSV described by CSVW; what columns and quality flags mean; which instrument served which series; events as Atom.',
    },
    adds: ['/api/v1/deployments', '/api/v1/events', '/api/v1/qualities', '/api/v1/terms'],
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
