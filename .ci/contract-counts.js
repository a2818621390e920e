// How many tests of each contract suite passed, by what it ran on: from the JSON report of vitest.
// Usage: node .ci/contract-counts.js REPORT.json
import { readFileSync } from 'node:fs';

const contracts = [
  'ingest/log/segment-log.test.ts',
  'ingest/cluster/kafka-log.test.ts',
  'ingest/log/kafka/kafka.test.ts',
  'ingest/store/history.test.ts',
  'ingest/store/influx/history-reader.test.ts',
  'devices/registry/changes.test.ts',
  'ingest/cluster/registry/changes.test.ts',
];

const report = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const counts = new Map();
for (const { name, assertionResults } of report.testResults) {
  const contract = contracts.find((path) => name.includes(path));
  if (contract === undefined) continue;
  for (const { ancestorTitles, status } of assertionResults) {
    const [suite = name] = ancestorTitles;
    const title = `${contract}: ${suite.replace(/:$/, '')}`;
    const count = counts.get(title) ?? { passed: 0, failed: 0, skipped: 0 };
    if (status === 'passed') count.passed++;
    else if (status === 'failed') count.failed++;
    else count.skipped++;
    counts.set(title, count);
  }
}
for (const [title, { passed, failed, skipped }] of counts) {
  console.log(`contract: ${title}: ${passed} passed, ${failed} failed, ${skipped} skipped`);
}
