import { describe, expect, test } from 'vitest';
import { joinMetrics } from './metrics-text.ts';

const readings =
  '# HELP log_records_total Records.\n# TYPE log_records_total counter\nlog_records_total{log="readings"} 3\n';
const observations = readings.replace('readings', 'observations').replace(' 3', ' 4');

describe('metrics of several threads', () => {
  test('a metric that two of them count stands once, with the samples of both', () => {
    expect(joinMetrics([readings, observations])).toBe(
      `${readings}log_records_total{log="observations"} 4\n`,
    );
  });

  test('samples come to their metric wherever they stand', () => {
    const texts = [readings, 'other 1\n', 'log_records_total{log="third"} 5\n'];
    expect(joinMetrics(texts)).toBe(`${readings}log_records_total{log="third"} 5\nother 1\n`);
  });

  test('parts of a histogram stay with it, and a counter named like a part stays by itself', () => {
    const histogram =
      '# HELP took_seconds Time.\n# TYPE took_seconds histogram\n' +
      'took_seconds_bucket{le="+Inf"} 2\ntook_seconds_sum 0.5\ntook_seconds_count 2\n';
    const gauge = '# TYPE row_count gauge\nrow_count 7\n';
    expect(joinMetrics([`${histogram}${gauge}`])).toBe(`${histogram}${gauge}`);
  });

  test('what two count under the same labels is added, and of a gauge the first value stays', () => {
    const counter = '# TYPE rows_total counter\nrows_total 3\n';
    const gauge = '# TYPE position gauge\nposition{log="a b"} 7\n';
    expect(joinMetrics([counter, gauge, gauge.replace('7', '9'), counter])).toBe(
      `${counter.replace('3', '6')}${gauge}`,
    );
  });

  test('empty texts give nothing, and comments are left out', () => {
    expect(joinMetrics(['', '\n\n', '# EOF\n'])).toBe('');
  });
});
