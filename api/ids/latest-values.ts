/** The newest value of each datastream, as a page shows it. */
import type { Datastream } from '../../devices/model.ts';
import type { ApiContext } from '../context.ts';
import type { NetworkView } from '../network.ts';
import { sayFlag, sayReason, sayUnit, type Language } from '../page-words.ts';
import { uriOf } from '../catalogue/uris.ts';
import { html, type Html } from './html.ts';
import { link, table } from './page.ts';
import { sayDuration, sayExactly, sayInstant, sayOn } from './words.ts';

/** A row of `/latest`, as far as a page shows it. */
interface LatestRow {
  readonly phenomenonTime: string;
  readonly result: number | null;
  readonly unit: string;
  readonly flag: number;
  readonly reason: string | null;
  readonly ageSeconds: number;
  readonly stale: boolean;
}

export interface Telling {
  readonly view: NetworkView;
  readonly language: Language;
  readonly base: string;
}

export async function latestValues(
  context: ApiContext,
  datastreams: readonly Datastream[],
  telling: Telling,
): Promise<Html> {
  const { language } = telling;
  const rows = await readLatest(context, datastreams, telling.view);
  const shown = datastreams.flatMap((datastream, at) => {
    const row = rows[at];
    return row === undefined ? [] : [rowText(datastream, row, telling)];
  });
  if (shown.length === 0) return html`<p>${sayOn(language, 'nothingYet')}</p> `;
  const columns = (['property', 'value', 'time', 'age', 'quality', 'more'] as const).map((word) =>
    sayOn(language, word),
  );
  return table(sayOn(language, 'latest'), { columns, rows: shown });
}

async function readLatest(
  context: ApiContext,
  datastreams: readonly Datastream[],
  view: NetworkView,
): Promise<readonly (LatestRow | undefined)[]> {
  const latestAt = Math.floor(context.clock.now() / 1000) * 1000;
  // Read in one turn of the event loop, so that all rows are of one position.
  const { position } = context.store;
  const series = datastreams.map((datastream) => datastream.series);
  const held = series.map((one) => context.store.latest(one));
  const moment = await context.places.at(position);
  const rows = await context.questions.latest(series, held, moment);
  return rows.map((row) => {
    const text = row === undefined ? undefined : view.rows.latestText(row, latestAt);
    return text === undefined ? undefined : (JSON.parse(text) as LatestRow);
  });
}

function rowText(datastream: Datastream, row: LatestRow, { view, language, base }: Telling): Html {
  const property = view.registry.properties.get(datastream.property);
  const name = property?.label[language] ?? datastream.property;
  const end = row.phenomenonTime.split('/').at(-1) ?? '';
  const id = encodeURIComponent(datastream.id);
  const chart = `${base}/api/v1/observations.svg?datastream=${id}&lang=${language}`;
  return html`<tr>
    <th scope="row">${link(uriOf(base, 'datastream', datastream.id), name)}</th>
    <td class="value">${valueText(row, language)}</td>
    <td><time datetime="${end}">${sayInstant(language, end)}</time></td>
    <td>
      ${sayDuration(language, row.ageSeconds)}${
        row.stale ? html` <span class="late">(${sayOn(language, 'stale')})</span>` : undefined
      }
    </td>
    <td>
      <a class="chip flag${row.flag}" href="${uriOf(base, 'flag', String(row.flag))}"
        >${sayFlag(language, row.flag)}</a
      >
    </td>
    <td>
      <a href="${chart}" aria-label="${sayOn(language, 'chart')}: ${name}"
        >${sayOn(language, 'chart')}</a
      >
    </td>
  </tr> `;
}

function valueText({ result, unit, reason }: LatestRow, language: Language): string {
  if (result === null) return sayReason(language, reason) || sayOn(language, 'noValue');
  return `${sayExactly(language, String(result))} ${sayUnit(unit)}`.trimEnd();
}
