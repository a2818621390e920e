/** Ways in for programs, each described by a document of its own. */
import type { Name } from '../../devices/model.ts';
import { uriOf } from './uris.ts';

export interface Service {
  readonly id: 'api' | 'stream' | 'ckan';
  readonly title: Name;
  readonly description: Name;
  /** Where it answers, below the base. */
  readonly endpoint: string;
  /** Its description for programs, below the base; none where it has none. */
  readonly descriptionPath?: string;
  readonly standard?: { readonly uri: string; readonly title: string };
}

export const services: readonly Service[] = [
  {
    id: 'api',
    title: { vi: 'Giao diện lập trình đọc số liệu', en: 'Reading API' },
    description: {
      vi: 'Số liệu mới nhất, toàn bộ số liệu, số liệu tổng hợp và các thay đổi, không cần khóa truy cập.',
      en: 'Latest values, all observations, aggregates and changes; no key is needed.',
    },
    endpoint: '/api/v1/',
    descriptionPath: '/openapi.json',
    standard: { uri: 'https://spec.openapis.org/oas/v3.1.0', title: 'OpenAPI 3.1' },
  },
  {
    id: 'stream',
    title: { vi: 'Luồng thay đổi trực tiếp', en: 'Live changes' },
    description: {
      vi: 'Mọi thay đổi ngay khi xảy ra, nối tiếp từ bất kỳ vị trí nào mà không mất và không lặp.',
      en: 'Every change as it happens, followed from any cursor without gap or repeat.',
    },
    endpoint: '/api/v1/live',
    descriptionPath: '/asyncapi.json',
    standard: {
      uri: 'https://www.asyncapi.com/docs/reference/specification/v3.0.0',
      title: 'AsyncAPI 3.0',
    },
  },
  {
    id: 'ckan',
    title: { vi: 'Danh mục theo giao diện CKAN', en: 'Catalogue as CKAN gives it' },
    description: {
      vi: 'Danh mục bộ dữ liệu theo giao diện CKAN Action API phiên bản 3, chỉ đọc.',
      en: 'The catalogue of datasets by version 3 of the CKAN Action API, for reading.',
    },
    endpoint: '/api/3/action/',
  },
];

export function serviceUri(base: string, id: Service['id']): string {
  return uriOf(base, 'service', id);
}
