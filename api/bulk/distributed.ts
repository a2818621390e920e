/** Files of months as the catalogue lists them with their dataset. */
import type { DatasetFile, FileSource } from '../catalogue/files.ts';
import { fileKinds } from '../catalogue/vocabulary.ts';
import type { ApiContext } from '../context.ts';
import type { Bulk } from './bulk.ts';
import { fileUrl } from './index-list.ts';
import { openNetworkOf, type OpenNetwork } from './open-series.ts';
import type { FileRecord } from './records.ts';

/**
 * The catalogue asks for one dataset after another: what is current is sorted once for all, and
 * looked through only for the dataset that is asked for.
 */
export function openFileSource(
  context: Pick<ApiContext, 'registry' | 'networks'>,
  { records }: Pick<Bulk, 'records'>,
): FileSource {
  let generation = -1;
  let network: OpenNetwork | undefined;
  let current = new Map<string, FileRecord[]>();
  const open = new Map<string, readonly FileRecord[]>();

  function openOf(dataset: string): readonly FileRecord[] {
    const now = openNetworkOf(context);
    if (records.generation !== generation || now !== network) {
      ({ generation } = records);
      network = now;
      current = Map.groupBy(records.current(), (file) => file.dataset);
      open.clear();
    }
    let found = open.get(dataset);
    if (found === undefined) {
      found = (current.get(dataset) ?? [])
        .filter(({ content }) => now.isOpen(dataset, content))
        .sort((a, b) => (a.month < b.month ? 1 : -1));
      open.set(dataset, found);
    }
    return found;
  }

  return {
    filesOf: (dataset, base, limit) =>
      openOf(dataset)
        .slice(0, limit)
        .map((file) => shownOf(file, base)),
    changedAt(dataset) {
      const files = openOf(dataset);
      return files.length === 0 ? undefined : Math.max(...files.map(({ madeAt }) => madeAt));
    },
  };
}

function shownOf(file: FileRecord, base: string): DatasetFile {
  const { month, format, bytes, sha256, rows, madeAt } = file;
  return {
    id: `${month}.${format}`,
    kind: fileKinds[format],
    // With the version: this hash is of these bytes, also where the entry is kept for a while.
    url: fileUrl(`${base}/api/v1`, file),
    month,
    bytes,
    sha256,
    rows,
    madeAt,
  };
}
