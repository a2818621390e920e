/** Ways to get at a dataset: live addresses of this API, and files. */
import type { Name } from '../../devices/model.ts';
import type { Dataset } from './datasets.ts';
import type { DatasetFile } from './files.ts';
import { uriOf } from './uris.ts';
import { fileKinds, type FileKind } from './vocabulary.ts';

export interface Distribution {
  /** Unique in the installation: `{dataset}~{what}.{format}`. */
  readonly id: string;
  readonly uri: string;
  readonly title: Name;
  readonly kind: FileKind;
  /** Where it is. A file is there as it is; what is live answers with what there is then. */
  readonly url: string;
  /** Description of the service that answers; none for files. */
  readonly service?: 'api' | 'stream';
  readonly file?: DatasetFile;
}

interface Live {
  readonly what: string;
  readonly path: string;
  readonly title: Name;
  readonly format: keyof typeof fileKinds;
  readonly service: 'api' | 'stream';
}

const latest = { vi: 'Số liệu mới nhất', en: 'Latest values' };
const observations = { vi: 'Toàn bộ số liệu', en: 'All observations' };

const live: readonly Live[] = [
  ...(['json', 'geojson', 'csv'] as const).map((format) => ({
    what: 'latest',
    path: `latest.${format}`,
    title: latest,
    format,
    service: 'api' as const,
  })),
  ...(['json', 'csv', 'ndjson'] as const).map((format) => ({
    what: 'observations',
    path: `observations.${format}`,
    title: observations,
    format,
    service: 'api' as const,
  })),
  {
    what: 'changes',
    path: 'changes',
    title: { vi: 'Các thay đổi kể từ một vị trí', en: 'Changes since a cursor' },
    format: 'json',
    service: 'api',
  },
  {
    what: 'live',
    path: 'live',
    title: { vi: 'Luồng thay đổi trực tiếp', en: 'Live stream of changes' },
    format: 'events',
    service: 'stream',
  },
];

export function distributionsOf(
  base: string,
  dataset: Dataset,
  files: readonly DatasetFile[],
): readonly Distribution[] {
  const query = queryOf(dataset);
  const now = live.map(({ what, path, title, format, service }) => {
    const kind: FileKind = fileKinds[format];
    const id = `${dataset.id}~${what}.${format}`;
    return {
      id,
      uri: uriOf(base, 'distribution', id),
      title: {
        vi: `${title.vi} (${kind.label})`,
        en: `${title.en} (${kind.label})`,
      },
      kind,
      url: `${base}/api/v1/${path}?${query}`,
      service,
    };
  });
  return [...now, ...files.map((file) => fileDistribution(base, dataset, file))];
}

function fileDistribution(base: string, dataset: Dataset, file: DatasetFile): Distribution {
  const id = `${dataset.id}~${file.id}`;
  const [year, month] = file.month.split('-');
  const label = `${file.kind.label}${file.kind.compression === undefined ? '' : ' (gzip)'}`;
  return {
    id,
    uri: uriOf(base, 'distribution', id),
    title: {
      vi: `Tháng ${month}/${year} – ${label}`,
      en: `${file.month} – ${label}`,
    },
    kind: file.kind,
    url: file.url,
    file,
  };
}

/** The filter of the feeds that lets through what the dataset is made of. */
export function queryOf(dataset: Dataset): string {
  const query = new URLSearchParams(
    dataset.kind === 'series'
      ? { station: dataset.station.id, property: dataset.property.id }
      : {
          owner: dataset.owner.id,
          property: dataset.properties.map(({ id }) => id).join(','),
        },
  );
  return query.toString().replaceAll('%2C', ',');
}
