/** Events of the feed as lists, and as Atom (RFC 4287) for feed readers. */
import type { Name } from '../../devices/model.ts';
import type { NetworkView } from '../network.ts';
import { timeNode, addressesAt, createLinkedWriter } from './linked.ts';
import type { ListWriter, Table } from './table.ts';

/** What a viewer is told of one event. */
export interface ShownEvent {
  readonly id: string;
  readonly type: 'correction' | 'deletion' | 'datastream';
  readonly cause: string;
  readonly datastream: string;
  readonly station: string;
  readonly property: string;
  /** Rows that changed; 0 for a datastream that was opened or closed. */
  readonly rows: number;
  /** Earliest and latest end of their times, as `start/end`; null without rows. */
  readonly phenomenonTime: string | null;
  /** Whether the datastream can be seen from now on. */
  readonly visible: boolean;
  readonly publishedAt: string;
  /** Where more is to be found. */
  readonly url: string;
}

const columns = [
  'id',
  'type',
  'cause',
  'datastream',
  'station',
  'property',
  'rows',
  'phenomenonTime',
  'visible',
  'publishedAt',
  'url',
] as const;

export interface EventTableOptions {
  readonly view: NetworkView;
  readonly base: string;
  /** Address that the list was asked at. */
  readonly self: string;
  readonly updatedAt: string;
}

export function eventTable(options: EventTableOptions): Table<ShownEvent> {
  const { base } = options;
  return {
    columns,
    json: (event) => JSON.stringify(event),
    cells: (event) => columns.map((name) => event[name]),
    id: ({ id }) => id,
    point: () => null,
    writers: {
      atom: () => createAtomWriter(options),
      jsonld: () =>
        createLinkedWriter(base, ({ id, type, phenomenonTime, ...event }: ShownEvent) =>
          JSON.stringify({
            ...event,
            id: `${base}/api/v1/events#${encodeURIComponent(id)}`,
            type: `quantrac:${type}`,
            isPartOf: addressesAt(base).datastream(event.datastream),
            phenomenonTime: phenomenonTime === null ? null : timeNode(phenomenonTime),
          }),
        ),
    },
  };
}

function createAtomWriter({
  view,
  base,
  self,
  updatedAt,
}: EventTableOptions): ListWriter<ShownEvent> {
  return {
    begin: () => [
      '<?xml version="1.0" encoding="utf-8"?>\n' +
        '<feed xmlns="http://www.w3.org/2005/Atom">' +
        `<id>${escaped(`${base}/api/v1/events`)}</id>` +
        '<title>Hiệu chỉnh và thay đổi số liệu / Corrections and changes of data</title>' +
        '<author><name>Quantrac</name></author>' +
        `<updated>${updatedAt}</updated>` +
        `<link rel="self" type="application/atom+xml" href="${escaped(self)}"/>\n`,
    ],
    write: (events) => events.map((event) => entryText(view, base, event)),
    end: ({ next }) => [
      (next === null ? '' : `<link rel="next" href="${escaped(next)}"/>`) + '</feed>\n',
    ],
  };
}

function entryText(view: NetworkView, base: string, event: ShownEvent): string {
  const { id, type, cause, publishedAt, url } = event;
  return (
    '<entry>' +
    `<id>${escaped(`${base}/api/v1/events#${encodeURIComponent(id)}`)}</id>` +
    `<title>${escaped(titleOf(view, event))}</title>` +
    `<updated>${publishedAt}</updated>` +
    `<category term="${type}"/><category term="${escaped(cause)}"/>` +
    `<link rel="alternate" type="application/json" href="${escaped(url)}"/>` +
    `<summary>${escaped(summaryOf(event))}</summary>` +
    '</entry>\n'
  );
}

function titleOf(view: NetworkView, event: ShownEvent): string {
  const { vi, en } = whatHappened(event);
  const { stations, properties } = view.registry;
  const station = stations.get(event.station)?.name ?? { vi: event.station, en: event.station };
  const property = properties.get(event.property)?.label ?? {
    vi: event.property,
    en: event.property,
  };
  return `${vi}: ${property.vi}, ${station.vi} / ${en}: ${property.en}, ${station.en}`;
}

function whatHappened({ type, rows, visible }: ShownEvent): Name {
  if (type === 'correction') {
    return { vi: `Hiệu chỉnh ${rows} giá trị`, en: `${rows} values corrected` };
  }
  if (type === 'deletion') return { vi: `Xoá ${rows} giá trị`, en: `${rows} values deleted` };
  return visible
    ? { vi: 'Mở chuỗi số liệu', en: 'Datastream opened' }
    : { vi: 'Đóng chuỗi số liệu', en: 'Datastream closed' };
}

function summaryOf({ datastream, cause, phenomenonTime }: ShownEvent): string {
  return [datastream, cause, phenomenonTime].filter((part) => part !== null).join(' · ');
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

/** XML 1.0 §2.2 and §2.4: no control characters, and no markup. */
function escaped(text: string): string {
  return text
    .replace(/[&<>"]/g, (character) => entities[character] ?? '')
    .replace(/\p{Cc}|\p{Cs}|[\ufffe\uffff]/gu, '');
}
