/** The nodes: how they share the work, and what they take of their machines. */
import type { Section } from './dashboard.ts';

const node = 'instance=~"$instance"';

export const cluster: Section = {
  title: ['Cụm', 'Cluster'],
  panels: [
    {
      title: ['Phân vùng của mỗi nút', 'Partitions of each worker'],
      kind: 'timeseries',
      unit: 'short',
      stacked: true,
      about: 'The stack is as high as there are partitions.',
      queries: [{ text: `quantrac_partitions_assigned{${node}}`, legend: '{{instance}}' }],
    },
    {
      title: ['Giao dịch và đổi nút', 'Transactions and changes of hands'],
      kind: 'timeseries',
      unit: 'short',
      about: 'In five minutes: commits of which Kafka said nothing, partitions ended, groups left.',
      queries: [
        {
          text: 'sum(increase(quantrac_partition_commits_doubtful_total[5m]))',
          legend: 'commits doubtful',
        },
        { text: 'sum(increase(quantrac_partition_endings_total[5m]))', legend: 'endings' },
        { text: 'sum(increase(quantrac_membership_losses_total[5m]))', legend: 'group left' },
      ],
    },
    {
      title: ['Phiên bản sổ đăng ký', 'Registry version'],
      kind: 'timeseries',
      unit: 'short',
      decimals: 0,
      about: 'All nodes have the same within seconds.',
      queries: [{ text: `quantrac_cluster_registry_version{${node}}`, legend: '{{instance}}' }],
    },
    {
      title: ['Kafka vắng mặt', 'Kafka away'],
      kind: 'timeseries',
      unit: 's',
      about: 'For how long Kafka has taken nothing of a node; no line while it does.',
      queries: [
        {
          text: `time() - (quantrac_forward_away_since_seconds{${node}} > 0)`,
          legend: '{{instance}}',
        },
      ],
    },
    {
      title: ['Nhật ký còn chứa được', 'The log lasts for'],
      kind: 'timeseries',
      unit: 's',
      about: 'While Kafka is away: until the own log of a node is full at the present rate.',
      queries: [
        {
          text: `(quantrac_forward_spool_until_seconds{${node}} > 0) - time()`,
          legend: '{{instance}}',
        },
      ],
    },
    {
      title: ['Dòng ghi vào InfluxDB', 'Lines stored in InfluxDB'],
      kind: 'timeseries',
      unit: 'cps',
      stacked: true,
      about: 'By worker. Every row of observations is one line.',
      queries: [
        {
          text: `rate(quantrac_influx_lines_stored_total{${node}}[$__rate_interval])`,
          legend: '{{instance}}',
        },
      ],
    },
  ],
};

export const machines: Section = {
  title: ['Máy', 'Machines'],
  panels: [
    {
      title: ['CPU', 'CPU'],
      kind: 'timeseries',
      unit: 'percentunit',
      about: 'Share of one core. A node works in several threads.',
      queries: [
        {
          text: `rate(quantrac_process_cpu_seconds_total{${node}}[$__rate_interval])`,
          legend: '{{instance}}',
        },
      ],
    },
    {
      title: ['Bộ nhớ', 'Memory'],
      kind: 'timeseries',
      unit: 'bytes',
      about: 'Resident memory of each process.',
      queries: [
        { text: `quantrac_process_resident_memory_bytes{${node}}`, legend: '{{instance}}' },
      ],
    },
    {
      title: ['Đĩa còn trống', 'Disk free'],
      kind: 'timeseries',
      unit: 'bytes',
      about: 'Of the disk of the data folder. Acknowledgements stop when it is full.',
      queries: [{ text: `quantrac_data_folder_free_bytes{${node}}`, legend: '{{instance}}' }],
    },
    {
      title: ['Kích thước nhật ký', 'Size of the logs'],
      kind: 'timeseries',
      unit: 'bytes',
      about:
        'readings: how much is kept is set under log.readings. observations: whole on one machine; in a ' +
        'cluster with InfluxDB the last cluster.horizonDays.',
      queries: [{ text: `quantrac_log_bytes{${node}}`, legend: '{{instance}} {{log}}' }],
    },
    {
      title: ['Ghi đĩa p99', 'Flush to disk p99'],
      kind: 'timeseries',
      unit: 's',
      about: 'Write and flush of one commit of the log of readings.',
      queries: [
        {
          text: `histogram_quantile(0.99, sum by (le, instance) (rate(quantrac_log_readings_commit_seconds_bucket{${node}}[$__rate_interval])))`,
          legend: '{{instance}}',
        },
      ],
    },
    {
      title: ['Kết nối', 'Connections'],
      kind: 'timeseries',
      unit: 'short',
      about: 'Devices at the MQTT doors, and clients of the live stream.',
      queries: [
        { text: `quantrac_mqtt_connections{${node}}`, legend: '{{instance}} MQTT' },
        { text: `quantrac_live_clients{${node}}`, legend: '{{instance}} live' },
      ],
    },
    {
      width: 24,
      height: 9,
      title: ['Các nút', 'Nodes'],
      kind: 'table',
      unit: 's',
      about: 'What runs where, in which version, since when.',
      queries: [
        {
          text:
            'time() - quantrac_process_start_time_seconds * on (instance) ' +
            `group_left (role, node, version) quantrac_build_info{${node}}`,
        },
      ],
      transformations: [
        {
          id: 'organize',
          options: {
            excludeByName: { Time: true, job: true, __name__: true },
            indexByName: { instance: 0, role: 1, node: 2, version: 3, Value: 4 },
            renameByName: { Value: 'chạy được · up for', instance: 'nút · node' },
          },
        },
      ],
    },
  ],
};
