/**
 * Stations as InfluxDB has them (`ingest/store/influx/schema.ts`). A point never changes: a correction is
 * a later point within the same millisecond, a deletion one without `result`. So every panel takes the
 * last point of each millisecond, and then those that have a result.
 */
import type { Dashboard, Panel } from './dashboard.ts';

const influxdb = { type: 'influxdb', uid: 'quantrac-influxdb' } as const;

/** Flux: all points of one station and property, as rows with `result` and `flag`. */
const points = `from(bucket: v.defaultBucket)
  |> range(start: v.timeRangeStart, stop: v.timeRangeStop)
  |> filter(fn: (r) => r._measurement == "observation" and r.station == "\${station}" and r.property == "\${property}")
  |> filter(fn: (r) => r._field == "result" or r._field == "flag")
  |> drop(columns: ["_start", "_stop", "station", "property", "series"])
  |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")`;

/** Of each millisecond the newest revision; `unique` keeps the first row that it meets. */
const newest = `${points}
  |> sort(columns: ["_time"], desc: true)
  |> truncateTimeColumn(unit: 1ms)
  |> unique(column: "_time")
  |> sort(columns: ["_time"])`;

/** What is shown now: neither null nor deleted. */
const shown = `${newest}
  |> filter(fn: (r) => exists r.result)`;

const flags = [
  [1, 'tốt · good', 'green'],
  [2, 'chưa xét · not evaluated', 'blue'],
  [3, 'nghi ngờ · suspect', 'orange'],
  [4, 'sai · fail', 'red'],
] as const;

const byFlag: Pick<Panel, 'queries' | 'overrides'> = {
  queries: flags.map(([flag, name]) => ({
    text: `${shown}
  |> filter(fn: (r) => r.flag == ${flag})
  |> group()
  |> keep(columns: ["_time", "result"])
  |> rename(columns: {result: "${name}"})`,
  })),
  overrides: flags.map(([, name, color]) => colourOf(name, color)),
};

const flagsByHour: Pick<Panel, 'queries' | 'overrides'> = {
  queries: flags.map(([flag, name]) => ({
    text: `${shown}
  |> filter(fn: (r) => r.flag == ${flag})
  |> group()
  |> aggregateWindow(every: 1h, fn: count, column: "result", timeSrc: "_start", createEmpty: false)
  |> keep(columns: ["_time", "result"])
  |> rename(columns: {result: "${name}"})`,
  })),
  overrides: flags.map(([, name, color]) => colourOf(name, color)),
};

function colourOf(name: string, color: string): object {
  return {
    matcher: { id: 'byName', options: name },
    properties: [{ id: 'color', value: { mode: 'fixed', fixedColor: color } }],
  };
}

export const stations: Dashboard = {
  uid: 'quantrac-stations',
  title: ['Quantrac: trạm', 'Quantrac: stations'],
  about:
    'Values, flags and completeness of one station and property, from InfluxDB: of each moment the newest revision.',
  tags: ['quantrac'],
  source: influxdb,
  refresh: '1m',
  from: 'now-24h',
  variables: [
    tagVariable('station', 'Trạm · Station', 'r._measurement == "observation"'),
    tagVariable(
      'property',
      'Thông số · Property',
      'r._measurement == "observation" and r.station == "${station}"',
    ),
    {
      name: 'expected',
      label: 'Chu kỳ · Interval',
      type: 'custom',
      description: 'How often the station should report: what completeness is measured by.',
      query: '1m,5m,10m,15m,30m,1h,1d',
      current: { selected: true, text: '5m', value: '5m' },
      options: [],
    },
  ],
  sections: [
    {
      title: ['${station}: ${property}', '${station}: ${property}'],
      panels: [
        {
          width: 6,
          height: 5,
          title: ['Giá trị mới nhất', 'Latest value'],
          kind: 'stat',
          unit: 'short',
          about: 'Of each height the newest moment that has a value.',
          queries: [
            {
              text: `${shown}\n  |> last(column: "result")\n  |> keep(columns: ["_time", "result", "height"])`,
            },
          ],
        },
        {
          width: 6,
          height: 5,
          title: ['Tuổi của giá trị', 'Age of it'],
          kind: 'stat',
          unit: 's',
          about: 'How long ago the newest value was measured.',
          queries: [
            {
              text: `${shown}
  |> group()
  |> sort(columns: ["_time"])
  |> last(column: "result")
  |> map(fn: (r) => ({_time: r._time, age: float(v: int(v: now()) - int(v: r._time)) / 1000000000.0}))`,
            },
          ],
        },
        {
          width: 6,
          height: 5,
          title: ['Số giá trị', 'Values'],
          kind: 'stat',
          unit: 'short',
          about: 'Moments of the range that have a value.',
          queries: [{ text: `${shown}\n  |> group()\n  |> count(column: "result")` }],
        },
        {
          width: 6,
          height: 5,
          title: ['Tỷ lệ tốt', 'Share of good'],
          kind: 'stat',
          unit: 'percentunit',
          about: 'Of the values that were evaluated: those with flag 1.',
          queries: [
            {
              text: `${shown}
  |> filter(fn: (r) => r.flag != 2)
  |> group()
  |> map(fn: (r) => ({good: if r.flag == 1 then 1.0 else 0.0}))
  |> mean(column: "good")`,
            },
          ],
        },
        {
          width: 24,
          height: 9,
          title: ['Chuỗi số liệu', 'Series'],
          kind: 'timeseries',
          unit: 'short',
          about:
            'In the canonical unit of the property; one line for each height and interval length.',
          queries: [
            { text: `${shown}\n  |> keep(columns: ["_time", "result", "height", "span"])` },
          ],
        },
        {
          width: 24,
          height: 9,
          title: ['Giá trị theo cờ chất lượng', 'Values, by flag'],
          kind: 'timeseries',
          unit: 'short',
          drawsPoints: true,
          about: 'QARTOD flags. What failed stays in the record and is shown as what it is.',
          ...byFlag,
        },
        {
          width: 12,
          title: ['Cờ theo giờ', 'Flags, by hour'],
          kind: 'timeseries',
          unit: 'short',
          stacked: true,
          about: 'Values of each hour, by flag.',
          ...flagsByHour,
        },
        {
          width: 12,
          title: ['Độ đầy đủ theo giờ', 'Completeness, by hour'],
          kind: 'timeseries',
          unit: 'percentunit',
          about: 'Values of each hour over those that the interval chosen above asks for.',
          steps: [{ from: 0.9, color: 'transparent' }],
          queries: [
            {
              text: `${shown}
  |> group(columns: ["height", "span"])
  |> aggregateWindow(every: 1h, fn: count, column: "result", timeSrc: "_start")
  |> map(fn: (r) => ({r with completeness: float(v: r.result) * float(v: int(v: \${expected})) / float(v: int(v: 1h))}))
  |> keep(columns: ["_time", "completeness", "height", "span"])`,
            },
          ],
        },
        {
          width: 24,
          title: ['Hiệu chỉnh', 'Corrections'],
          kind: 'table',
          unit: 'none',
          about:
            'Every later revision, newest first: what was corrected, and, where the result is empty, withdrawn.',
          queries: [
            {
              text: `${points}
  |> map(fn: (r) => ({r with revision: int(v: r._time) % 1000000}))
  |> filter(fn: (r) => r.revision > 0)
  |> group()
  |> sort(columns: ["_time"], desc: true)
  |> keep(columns: ["_time", "revision", "result", "flag", "height", "span"])`,
            },
          ],
        },
      ],
    },
  ],
};

/** Values of a tag within the last 30 days. */
function tagVariable(tag: string, label: string, predicate: string): object {
  return {
    name: tag,
    label,
    type: 'query',
    datasource: influxdb,
    query: {
      query: `import "influxdata/influxdb/schema"
schema.tagValues(bucket: v.defaultBucket, tag: "${tag}", predicate: (r) => ${predicate}, start: -30d)`,
      refId: tag,
    },
    refresh: 2,
    sort: 1,
  };
}
