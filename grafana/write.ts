/** `npm run dashboards`: writes the dashboards as JSON files, which Grafana reads and git compares. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dashboardJson } from './dashboard.ts';
import { platform } from './platform.ts';
import { stations } from './stations.ts';

for (const [name, dashboard] of Object.entries({ platform, stations })) {
  const file = join(import.meta.dirname, 'dashboards', `${name}.json`);
  writeFileSync(file, `${JSON.stringify(dashboardJson(dashboard), null, 2)}\n`);
}
