import { useEffect, useRef, useState } from 'react';
import { endOf, type Row, type StationEntry } from './feed.ts';
import { isStale, type Network } from './network.ts';
import { SeriesChart } from './series-chart.tsx';
import {
  say,
  sayClass,
  sayFlag,
  sayNumber,
  sayReason,
  sayTime,
  sayUnit,
  type Language,
} from '../page-words.ts';

interface PanelProps {
  readonly network: Network;
  readonly station: StationEntry;
  readonly language: Language;
  readonly onClose: () => void;
}

export function StationPanel({ network, station, language, onClose }: PanelProps) {
  const [charted, setCharted] = useState<string | null>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const rows = [...(network.latest.get(station.id)?.values() ?? [])].toSorted((a, b) =>
    a.property.localeCompare(b.property),
  );
  const row = rows.find(({ datastream }) => datastream === charted);
  return (
    <>
      <div className="title">
        <h2 ref={heading} tabIndex={-1}>
          {station.name[language]}
        </h2>
        <button type="button" onClick={onClose}>
          {say(language, 'close')}
        </button>
      </div>
      <p className="hint">
        {station.id} · {sayClass(language, station.class)}
      </p>
      <div className="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">{say(language, 'property')}</th>
              <th scope="col">{say(language, 'value')}</th>
              <th scope="col">{say(language, 'quality')}</th>
              <th scope="col">{say(language, 'time')}</th>
              <th scope="col">
                <span className="visually-hidden">{say(language, 'chartOf')}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((each) => (
              <ValueRow
                key={each.datastream}
                row={each}
                label={network.properties.get(each.property)?.label[language] ?? each.property}
                timeZone={station.timeZone}
                language={language}
                stale={isStale(network, each)}
                charted={each.datastream === charted}
                onChart={() => setCharted(each.datastream === charted ? null : each.datastream)}
              />
            ))}
          </tbody>
        </table>
      </div>
      {row !== undefined && (
        <SeriesChart
          key={row.datastream}
          newest={row}
          timeZone={station.timeZone}
          language={language}
          label={network.properties.get(row.property)?.label[language] ?? row.property}
        />
      )}
    </>
  );
}

interface ValueRowProps {
  readonly row: Row;
  readonly label: string;
  readonly timeZone: string;
  readonly language: Language;
  readonly stale: boolean;
  readonly charted: boolean;
  readonly onChart: () => void;
}

function ValueRow(props: ValueRowProps) {
  const { row, label, timeZone, language, stale, charted, onChart } = props;
  const value = row.result === null ? say(language, 'noValue') : sayNumber(language, row.result);
  return (
    <tr data-datastream={row.datastream}>
      <th scope="row">{label}</th>
      <td className="value">
        <strong>{value}</strong>{' '}
        {row.result === null ? sayReason(language, row.reason) : sayUnit(row.unit)}
      </td>
      <td>
        <span className={`chip flag${row.flag}`}>{sayFlag(language, row.flag)}</span>
        {row.qualifiers.length > 0 && <span className="hint"> {row.qualifiers.join(' ')}</span>}
      </td>
      <td>
        <time dateTime={row.phenomenonTime.split('/').at(-1)}>
          {sayTime(language, endOf(row), timeZone)}
        </time>
        {stale && <span className="hint"> {say(language, 'stale')}</span>}
      </td>
      <td>
        <button
          type="button"
          aria-expanded={charted}
          aria-label={`${say(language, 'chart')}: ${label}`}
          onClick={onChart}
        >
          {say(language, 'chartOf')}
        </button>
      </td>
    </tr>
  );
}
