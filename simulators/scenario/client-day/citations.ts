/** Citations, and that they stay what they were. */
import { keep } from './promise.ts';
import { sha256Of, type Wire } from './wire.ts';

export interface Citations {
  readonly figures: object;
  /** Those of open series have the same bytes. */
  requireSame(): Promise<void>;
  /** What was cited is answered otherwise by now, or its constancy would show nothing. */
  requireChangedSince(): Promise<void>;
  /** Of a file with a series that was closed nobody outside is told any more. */
  requireHidden(): Promise<void>;
}

export interface Citation {
  readonly uri: string;
  readonly dataUri: string;
  readonly sha256: string;
  readonly asOf: string;
  readonly version: string;
  readonly licence: readonly string[];
}

export interface Cited {
  /** Addresses. */
  readonly rows: string;
  readonly file: string;
  readonly hidden: string;
}

export async function citeAll(wire: Wire, address: string, cited: Cited): Promise<Citations> {
  const [rows, file, hidden] = [
    await cite(wire, address, cited.rows),
    await cite(wire, address, cited.file),
    await cite(wire, address, cited.hidden),
  ];
  const kept = [rows, file];

  async function requireBytes({ dataUri, uri, sha256 }: Citation): Promise<void> {
    const { status, bytes, headers } = await wire.ask(dataUri);
    const found = sha256Of(bytes);
    keep('a citation gives the same bytes for ever', status === 200 && found === sha256, () => [
      { dataUri, status, sha256, found, begin: bytes.toString('utf8', 0, 300) },
    ]);
    keep('cited bytes carry their hash', headers.get('etag') === `"${sha256}"`, () => [
      dataUri,
      headers.get('etag'),
    ]);
    const told = await wire.json<Citation>(uri);
    keep('a citation tells the same for ever', told.sha256 === sha256, () => [uri, told]);
  }

  for (const each of [...kept, hidden]) await requireBytes(each);
  return {
    figures: { rows: rows.uri, rowsSha256: rows.sha256, file: file.uri, fileSha256: file.sha256 },
    async requireSame() {
      for (const each of kept) await requireBytes(each);
    },
    async requireChangedSince() {
      const { status, bytes } = await wire.ask(cited.rows);
      const isOther = status === 200 && sha256Of(bytes) !== rows.sha256;
      keep('rows are answered as corrected', isOther, () => [cited.rows, status]);
    },
    async requireHidden() {
      for (const uri of [hidden.uri, hidden.dataUri]) {
        const { status } = await wire.ask(uri);
        keep('a citation hides with its series', status === 404, () => [uri, status]);
      }
    },
  };
}

export async function cite(wire: Wire, address: string, url: string): Promise<Citation> {
  const { status, bytes } = await wire.ask(`${address}/api/v1/citations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ url }),
  });
  keep('what was read can be cited', status === 201, () => [url, status, bytes.toString()]);
  return JSON.parse(bytes.toString()) as Citation;
}
