/** What comes in and goes out: promises, lag, what is refused. */
import type { Panel, Section, Step } from './dashboard.ts';

const node = 'instance=~"$instance"';
/** Nothing but 0 is right. */
const onlyZero: readonly Step[] = [{ from: 1, color: 'red' }];
const small = { width: 4, height: 4 } as const;

export const promises: Section = {
  title: ['Lời hứa', 'Promises'],
  panels: [
    {
      ...small,
      title: ['Chênh lệch cân bằng', 'Balance off by'],
      kind: 'stat',
      unit: 'short',
      about:
        'Both laws, to the last reading and measurement, summed over partitions. Nothing but 0 is right.',
      steps: onlyZero,
      queries: [
        {
          text:
            'sum(abs(quantrac:readings_difference:sum)) + ' +
            '(sum(abs(quantrac:measurements_difference:sum)) or vector(0))',
        },
      ],
    },
    {
      ...small,
      title: ['Bản tin thiếu (24 giờ)', 'Readings missing (24 h)'],
      kind: 'stat',
      unit: 'short',
      about: 'Readings that a node sent and that never came to their partition.',
      steps: onlyZero,
      queries: [{ text: 'sum(increase(quantrac_ingest_readings_missing_total[24h]))' }],
    },
    {
      ...small,
      title: ['Đang xử lý', 'In flight'],
      kind: 'stat',
      unit: 'short',
      about: 'Readings that are durable and not yet settled, wherever they wait.',
      queries: [{ text: 'sum(quantrac_readings_in_flight)' }],
    },
    {
      ...small,
      title: ['Độ tươi p99', 'Freshness p99'],
      kind: 'stat',
      unit: 's',
      about: 'From a door to an api, 99 of 100 batches. The aim is 2 s.',
      steps: [
        { from: 2, color: 'yellow' },
        { from: 10, color: 'red' },
      ],
      queries: [{ text: 'quantrac:freshness_seconds:p99' }],
    },
    {
      ...small,
      title: ['Phân vùng chưa có nút', 'Partitions undecided'],
      kind: 'stat',
      unit: 'short',
      about: 'Partitions that no worker decides now. Their readings wait in Kafka.',
      steps: onlyZero,
      queries: [{ text: 'quantrac:partitions_undecided:count' }],
    },
    {
      ...small,
      title: ['Nút không trả lời', 'Nodes down'],
      kind: 'stat',
      unit: 'short',
      about: 'Processes of ours that Prometheus cannot reach.',
      steps: onlyZero,
      queries: [{ text: 'count(up{job="quantrac"} == 0) or vector(0)' }],
    },
    {
      width: 12,
      title: ['Nhận vào và xử lý xong', 'Taken in and settled'],
      kind: 'timeseries',
      unit: 'reqps',
      about:
        'Readings a second: durable in a log, and settled by outcome. Both lines lie on each other.',
      queries: [
        {
          text: 'sum(rate(quantrac_readings_logged_total{partition=""}[$__rate_interval]))',
          legend: 'vào · in',
        },
        {
          text: 'sum by (outcome) (rate(quantrac_readings_total[$__rate_interval]))',
          legend: '{{outcome}}',
        },
      ],
    },
    {
      width: 12,
      title: ['Đang chờ theo chặng', 'Waiting, by stage'],
      kind: 'timeseries',
      unit: 'short',
      stacked: true,
      about: 'node: in the own log of a node, not yet in Kafka. topic: in Kafka, not yet decided.',
      queries: [
        { text: 'sum by (stage) (quantrac_readings_in_flight)', legend: '{{stage}}' },
        { text: 'quantrac:readings_unsettled:sum', legend: 'rời nút · left their nodes' },
      ],
    },
  ],
};

const quantiles = (metric: string): Panel['queries'] =>
  [0.5, 0.99].map((share) => ({
    text: `histogram_quantile(${share}, sum by (le) (rate(${metric}_bucket{${node}}[$__rate_interval])))`,
    legend: `p${share * 100}`,
  }));

export const lag: Section = {
  title: ['Trễ', 'Lag'],
  panels: [
    {
      title: ['Bộ chuyển tiếp: chờ gửi Kafka', 'Forwarders: waiting for Kafka'],
      kind: 'timeseries',
      unit: 'short',
      about: 'Readings of each own log that Kafka does not have. Grows while Kafka is away.',
      queries: [{ text: `quantrac_forward_waiting_readings{${node}}`, legend: '{{instance}}' }],
    },
    {
      title: ['Phân vùng: chờ quyết định', 'Partitions: waiting to be decided'],
      kind: 'timeseries',
      unit: 'short',
      stacked: true,
      about: 'Readings in Kafka that their worker has not settled, by partition.',
      queries: [
        {
          text: 'max by (partition) (quantrac_readings_in_flight{stage="topic"})',
          legend: '{{partition}}',
        },
      ],
    },
    {
      title: ['Bản sao chậm', 'Copies behind'],
      kind: 'timeseries',
      unit: 's',
      about:
        'About how old what a node shows is: offsets not yet copied over batches made a second.',
      steps: [{ from: 60, color: 'red' }],
      queries: [{ text: `quantrac:copy_behind:seconds{${node}}`, legend: '{{instance}}' }],
    },
    {
      title: ['InfluxDB chậm', 'InfluxDB behind'],
      kind: 'timeseries',
      unit: 's',
      about: 'Records of observations that InfluxDB has not got, over batches made a second.',
      steps: [{ from: 300, color: 'red' }],
      queries: [{ text: 'quantrac:sink_behind:seconds', legend: 'InfluxDB' }],
    },
    {
      title: ['Độ tươi', 'Freshness'],
      kind: 'timeseries',
      unit: 's',
      about: 'From the arrival at a door until a node shows it, by the clocks of both.',
      queries: quantiles('quantrac_freshness_seconds'),
    },
    {
      title: ['Chờ xác nhận MQTT', 'Time to PUBACK'],
      kind: 'timeseries',
      unit: 's',
      about: 'From the arrival of a message until it is durable and acknowledged.',
      queries: quantiles('quantrac_mqtt_puback_seconds'),
    },
  ],
};

export const refused: Section = {
  title: ['Từ chối và cách ly', 'Refused and quarantined'],
  panels: [
    {
      title: ['Cách ly theo mã', 'Quarantined, by code'],
      kind: 'timeseries',
      unit: 'cps',
      stacked: true,
      about: 'Readings and channels set aside, with the code that docs/errors.md explains.',
      queries: [
        {
          text: 'sum by (code) (rate(quantrac_ingest_quarantined_total[$__rate_interval]))',
          legend: '{{code}}',
        },
      ],
    },
    {
      title: ['Số đo theo kết quả', 'Measurements, by outcome'],
      kind: 'timeseries',
      unit: 'cps',
      stacked: true,
      about:
        'stored, duplicate, revision or quarantined: every decoded measurement is one of them.',
      queries: [
        {
          text: 'sum by (outcome) (rate(quantrac_measurements_total[$__rate_interval]))',
          legend: '{{outcome}}',
        },
      ],
    },
    {
      title: ['Cửa MQTT từ chối', 'Refused at the MQTT doors'],
      kind: 'timeseries',
      unit: 'cps',
      about:
        'Failed logins by reason, requests beyond the rights of a client, limits of the server.',
      queries: [
        {
          text: `sum by (reason) (rate(quantrac_auth_failures_total{${node}}[$__rate_interval]))`,
          legend: 'login: {{reason}}',
        },
        {
          text: `sum by (action) (rate(quantrac_acl_denied_total{${node}}[$__rate_interval]))`,
          legend: 'denied: {{action}}',
        },
        {
          text: `sum by (what) (rate(quantrac_rate_limited_total{${node}}[$__rate_interval]))`,
          legend: 'limit: {{what}}',
        },
      ],
    },
    {
      title: ['HTTP theo trạng thái', 'HTTP, by status'],
      kind: 'timeseries',
      unit: 'reqps',
      stacked: true,
      about: 'Answers of all apis by class of status.',
      queries: [
        {
          text: `sum by (status) (rate(quantrac_http_requests_total{${node}}[$__rate_interval]))`,
          legend: '{{status}}',
        },
      ],
    },
    {
      title: ['HTTP từ chối theo mã', 'HTTP refused, by code'],
      kind: 'timeseries',
      unit: 'reqps',
      stacked: true,
      about: 'Requests answered with a problem, by its code.',
      queries: [
        {
          text: `sum by (code) (rate(quantrac_http_refused_total{${node}}[$__rate_interval]))`,
          legend: '{{code}}',
        },
      ],
    },
    {
      title: ['InfluxDB không nhận', 'Not taken by InfluxDB'],
      kind: 'timeseries',
      unit: 'cps',
      about: 'Requests repeated, requests refused until somebody mends it, lines refused for good.',
      queries: [
        {
          text: 'sum(rate(quantrac_influx_write_repeats_total[$__rate_interval]))',
          legend: 'repeated',
        },
        {
          text: 'sum(rate(quantrac_influx_write_refusals_total[$__rate_interval]))',
          legend: 'refused',
        },
        {
          text: 'sum(rate(quantrac_influx_lines_set_aside_total[$__rate_interval]))',
          legend: 'set aside',
        },
      ],
    },
  ],
};
