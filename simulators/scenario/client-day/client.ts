/** The client: what it has found, its copies, and what it holds the server to. */
import { sleep, type Clock } from '../../../devices/clock.ts';
import { chooseDataset, datasetOfDataJson, findCatalogue } from './catalogue.ts';
import { cite, citeAll, type Citations } from './citations.ts';
import {
  beginWithFiles,
  download,
  downloadMonth,
  requirePackage,
  type Dataset,
} from './download.ts';
import { openFollower, type Follower } from './follower.ts';
import { spanOf, type Month } from './months.ts';
import { keep } from './promise.ts';
import { differences, endOf, readRows, type Row, type Rows } from './rows.ts';
import {
  rememberAnswers,
  requireNotAnother,
  type LostThings,
  type Remembered,
} from './remembered.ts';
import { openWire } from './wire.ts';

export interface ClientOptions {
  readonly clock: Clock;
  readonly address: string;
  readonly month: Month;
}

export interface Client {
  readonly found: object;
  /** Last month, as Parquet and as CSV under gzip. */
  download(): Promise<object>;
  /** Rows of one datastream and a file of another dataset, for ever. */
  cite(datastream: string): Promise<object>;
  /** Two copies: of last month alone, by pages, and of the whole dataset, by the live stream. */
  beginCopies(): Promise<void>;
  /** Both copies have, within seconds, exactly the rows that the server lists. */
  requireEqual(): Promise<object>;
  requireRemade(): Promise<object>;
  requireCited(): Promise<void>;
  requireCitedCorrected(): Promise<void>;
  requireCitedFileHidden(): Promise<void>;
  requireShown(shown: { readonly closed: string; readonly opened: string }): void;
  /** The copy of the month stands still, until it goes on. */
  rest(): Promise<{ goOn(): Promise<void> }>;
  /** The copy that went on to the end had to begin again, the other not. */
  requireForkSeen(): void;
  /** Remembers what the server gives out now, to be held against it when that is lost. */
  rememberLost(): Promise<void>;
  requireNotAnother(): Promise<object>;
  pause(): Promise<void>;
  figures(): object;
}

const airInEnglish = /^Air\b/;
const weatherInEnglish = /^Weather\b/;
/** A follower that polls each 200 ms, on a machine that does much else. */
const equalWithinMs = 20_000;
const lookAgainMs = 250;

export async function openClient(options: ClientOptions): Promise<Client> {
  const { clock, address, month } = options;
  const wire = openWire(clock);
  const catalogue = await findCatalogue(wire, address);
  const chosen = await chooseDataset(wire, catalogue.dcat, airInEnglish);
  const other = await chooseDataset(wire, catalogue.dcat, weatherInEnglish);
  const dataset: Dataset = {
    wire,
    clock,
    filesUrl: `${chosen.page}/files`,
    observations: chosen.observations,
  };
  const weather = { ...dataset, filesUrl: `${other.page}/files`, observations: other.observations };
  let file: { sha256: string; url: string; bytes: Buffer } | undefined;
  let monthRows: { readonly rows: Rows; readonly cursor: string } | undefined;
  let copies: { readonly month: Follower; readonly whole: Follower } | undefined;
  let isResting = false;
  let citations: Citations | undefined;
  let lost: LostThings | undefined;
  let remembered: Remembered | undefined;
  const isOfMonth = (row: Row): boolean => endOf(row) >= month.fromAt && endOf(row) < month.toAt;

  const copiesNow = () => {
    if (copies === undefined) throw new Error('there are no copies yet');
    return copies;
  };
  const following = (): readonly Follower[] =>
    isResting ? [copiesNow().whole] : Object.values(copiesNow());

  return {
    found: { ...catalogue, title: chosen.title, licence: chosen.licence, page: chosen.page },

    async download() {
      const made = await downloadMonth(dataset, month);
      const { parquet, csv, rows } = made;
      const listed = await listedInCatalogues(parquet.url);
      for (const { url, sha256 } of [parquet, csv]) {
        const known = listed.find((each) => each.url === url);
        keep('the catalogue lists the file with its hash', known?.sha256 === sha256, () => [
          url,
          listed,
        ]);
      }
      const isLicensed = String(parquet.licences) === chosen.licence;
      keep('a file has the licence of its dataset', isLicensed, () => parquet.licences);
      await requirePackage(dataset, month);
      file = { ...parquet, bytes: await download(wire, parquet) };
      monthRows = { rows, cursor: parquet.cursor };
      return {
        rows: rows.size,
        parquetBytes: parquet.bytes,
        csvBytes: csv.bytes,
        sha256: parquet.sha256,
        cursor: parquet.cursor,
      };
    },

    async cite(datastream) {
      const made = await downloadMonth(weather, month);
      const url = new URL(chosen.observations);
      url.search = new URLSearchParams({ datastream }).toString();
      const hidden = await wire.ask(file?.url ?? '');
      keep('a file is still there when it is cited', hidden.status === 200, () => file?.url);
      citations = await citeAll(wire, address, {
        rows: `${url.href}&${spanOf(month)}`,
        file: made.parquet.url,
        hidden: file?.url ?? '',
      });
      return citations.figures;
    },

    async beginCopies() {
      const shared = { wire, clock, changes: chosen.changes, observations: chosen.observations };
      const beginning = monthRows;
      if (beginning === undefined) throw new Error('nothing was downloaded yet');
      const [ofMonth, whole] = await Promise.all([
        openFollower({ ...shared, isWanted: isOfMonth, begin: async () => beginning }),
        openFollower({
          ...shared,
          live: chosen.live,
          isWanted: () => true,
          begin: () => beginWithFiles(dataset),
        }),
      ]);
      copies = { month: ofMonth, whole };
      ofMonth.follow();
      whole.follow();
      remembered = await rememberAnswers(wire, [
        chosen.observations,
        `${chosen.observations}&${spanOf(month)}`,
        chosen.observations.replace('/observations.', '/latest.'),
        dataset.filesUrl,
        chosen.page,
        catalogue.dcat,
        catalogue.dataJson,
        `${catalogue.index}stations`,
        `${catalogue.index}datastreams`,
      ]);
    },

    async requireEqual() {
      const untilMs = clock.monotonicMs() + equalWithinMs;
      for (;;) {
        const listed = (await readRows(wire, chosen.observations)).rows;
        const ofMonth = new Map([...listed].filter(([, row]) => isOfMonth(row)));
        const pairs = following().map((copy): [Rows, Rows] =>
          copy === copiesNow().month ? [copy.rows, ofMonth] : [copy.rows, listed],
        );
        const wrong = pairs.flatMap(([copy, list]) => differences(copy, list));
        if (wrong.length === 0) {
          const tags = await remembered?.requireTrue();
          return { rows: listed.size, ofMonth: ofMonth.size, ...tags };
        }
        for (const copy of following()) copy.requireWell();
        keep('a copy has exactly the rows of the server', clock.monotonicMs() < untilMs, () => ({
          wrong,
          figures: following().map(({ figures }) => figures),
        }));
        await sleep(clock, lookAgainMs);
      }
    },

    async requireRemade() {
      const before = file;
      const made = await downloadMonth(dataset, month);
      const { sha256 } = made.parquet;
      keep('late changes make another file', sha256 !== before?.sha256, () => [before, sha256]);
      file = { ...made.parquet, bytes: await download(wire, made.parquet) };
      return { fileRows: made.rows.size, sha256 };
    },

    requireCited: async () => citations?.requireSame(),
    requireCitedCorrected: async () => citations?.requireChangedSince(),
    requireCitedFileHidden: async () => citations?.requireHidden(),

    requireShown({ closed, opened }) {
      for (const { rows, figures } of following()) {
        const held = new Set([...rows.values()].map(({ datastream }) => datastream));
        keep('a copy drops what is closed', !held.has(closed), () => figures);
        keep('a copy has what is opened', held.has(opened), () => figures);
        keep('the feed tells of closing', figures.closed.includes(closed), () => figures);
        keep('the feed tells of opening', figures.opened.includes(opened), () => figures);
      }
    },

    async rest() {
      await copiesNow().month.pause();
      isResting = true;
      return {
        async goOn() {
          isResting = false;
          copiesNow().month.follow();
        },
      };
    },

    requireForkSeen() {
      const { month: behind, whole } = copiesNow();
      const { lost } = whole.figures;
      keep('a cursor of a lost stretch is refused', lost.length > 0, () => lost);
      const none = behind.figures.lost;
      keep('a cursor from before the backup stays good', none.length === 0, () => none);
    },

    async rememberLost() {
      const made = await downloadMonth(dataset, month);
      const { next, cursor } = await wire.json<{ next: string; cursor: string }>(
        `${chosen.observations}&limit=10`,
      );
      const cited = await cite(wire, address, `${chosen.observations}&${spanOf(month)}`);
      lost = {
        file: made.parquet.url,
        fileSha256: made.parquet.sha256,
        page: next,
        changes: `${chosen.changes}&after=${cursor}`,
        citation: cited.dataUri,
        citationSha256: cited.sha256,
      };
    },

    async requireNotAnother() {
      if (lost === undefined) throw new Error('nothing was remembered');
      return requireNotAnother(wire, lost);
    },

    async pause() {
      for (const copy of Object.values(copiesNow())) await copy.pause();
    },

    figures() {
      const { month: ofMonth, whole } = copiesNow();
      return { ...wire.figures, month: ofMonth.figures, whole: whole.figures };
    },
  };

  /** Files of both catalogues, which must name the same ones; within the time that answers are kept. */
  async function listedInCatalogues(
    url: string,
  ): Promise<readonly { readonly url: string; readonly sha256: string }[]> {
    const untilMs = clock.monotonicMs() + equalWithinMs;
    for (;;) {
      const { files } = await chooseDataset(wire, catalogue.dcat, airInEnglish);
      const data = await datasetOfDataJson(wire, catalogue.dataJson, chosen.uri);
      const isSame = files.every((each) => data.files.includes(each.url));
      if (isSame && files.some((each) => each.url === url)) {
        keep('both catalogues name the same licence', data.licence === chosen.licence, () => data);
        return files;
      }
      keep('both catalogues come to list the files', clock.monotonicMs() < untilMs, () => ({
        url,
        files,
        data,
      }));
      await sleep(clock, lookAgainMs);
    }
  }
}
