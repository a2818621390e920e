/** What the rows are about: stations, datastreams and properties, each list as one canonical file. */
import { canonicalJson, type Json } from '../proof/canonical-json.ts';
import { sha256Of } from '../proof/manifest.ts';
import { itemsOf, type ChosenNow } from './choice.ts';
import type { MirrorFiles } from './files.ts';
import type { Server } from './http.ts';
import type { MirrorState } from './state.ts';

type Metadata = MirrorState['metadata'];

const lists = ['datastreams', 'properties', 'stations'] as const;

/** Fetches the lists that are not as they were, and says how all are now. */
export async function refreshMetadata(
  server: Server,
  files: MirrorFiles,
  { query, known }: { readonly query: ChosenNow['query']; readonly known: Metadata },
): Promise<Metadata> {
  if (query === undefined) return known;
  const fresh: Record<string, Metadata[string]> = {};
  for (const list of lists) {
    const name = `${list}.json`;
    // Properties are described whether they are measured or not.
    const path = `/${list}?limit=1000&${list === 'properties' ? '' : query}`.replace(/&$/, '');
    const before = known[name];
    const { status, etag } = await server.ask(path, { etag: before?.etag });
    if (status === 304 && before !== undefined) {
      fresh[name] = before;
      continue;
    }
    const items: Json[] = [];
    for await (const item of itemsOf(server, path)) items.push(item as Json);
    const text = canonicalJson({ items });
    files.write(name, text);
    files.sync(name);
    fresh[name] = { sha256: sha256Of(text), etag };
  }
  return fresh;
}
