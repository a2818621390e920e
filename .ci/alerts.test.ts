import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readText, root } from './repository.ts';
import { toolNamed } from './tools.ts';

const promtool = toolNamed('promtool');
const rules = 'grafana/alerts/quantrac.rules.yml';

function run(...words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(promtool.path, words, {
    cwd: root,
    encoding: 'utf8',
  });
  return { status, text: stdout + stderr };
}

function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-alerts-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

describe.skipIf(promtool.isAbsent)(`alerts of Prometheus${promtool.absent}`, () => {
  test('are rules that Prometheus understands', () => {
    expect(run('check', 'rules', rules)).toEqual({ status: 0, text: expect.any(String) });
  });

  test('fire where what they watch for happens, and only there', () => {
    const { status, text } = run('test', 'rules', 'grafana/alerts/quantrac.test.yml');
    expect([status, text]).toEqual([0, expect.stringContaining('SUCCESS')]);
  });

  test('are found out when one of them no longer fires', () => {
    const blunt = readText(rules).replace('up{job="quantrac"} == 0', 'up{job="quantrac"} == 2');
    const folder = folderOf({
      'quantrac.rules.yml': blunt,
      'quantrac.test.yml': readText('grafana/alerts/quantrac.test.yml'),
    });
    const { status, text } = run('test', 'rules', join(folder, 'quantrac.test.yml'));
    expect(status).toBe(1);
    expect(text).toContain('QuantracNodeDown');
  });

  test('come from a configuration that Prometheus understands', () => {
    const { status } = run('check', 'config', '--syntax-only', 'compose/prometheus.yml');
    expect(status).toBe(0);
  });

  test('stand beside panels whose questions Prometheus understands', () => {
    const questions = [
      ...readText('grafana/dashboards/platform.json').matchAll(/"expr": ("(?:[^"\\]|\\.)*")/g),
    ].map(([, text = '""']) => JSON.parse(text) as string);
    expect(questions.length).toBeGreaterThan(30);
    const asked = questions.map((question, index) => {
      const text = question.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*');
      return `      - { record: 'panel:${index}', expr: ${JSON.stringify(text)} }`;
    });
    const folder = folderOf({
      'panels.yml': `groups:\n  - name: panels\n    rules:\n${asked.join('\n')}\n`,
    });
    const { status, text } = run('check', 'rules', join(folder, 'panels.yml'));
    expect([status, text]).toEqual([0, expect.stringContaining(`${asked.length} rules found`)]);
  });
});
