/**
 * Holds dashboards against the types of Grafana's schema package. A JSON file that is imported has lost
 * its literal types, so each panel is written out as a literal of a TypeScript file and compiled.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './repository.ts';

export interface PanelJson {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly options?: object;
  readonly fieldConfig?: { readonly defaults: { readonly custom?: object; readonly unit: string } };
}

export interface DashboardJson {
  readonly panels: readonly PanelJson[];
}

/** Module of a panel's options and, where it has them, of its fields' custom part. */
const panelModules: Readonly<Record<string, string>> = {
  timeseries: 'timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen',
  stat: 'stat/panelcfg/x/StatPanelCfg_types.gen',
  table: 'table/panelcfg/x/TablePanelCfg_types.gen',
};

const head = `
import type { Dashboard, Panel, RowPanel } from '@grafana/schema';
${Object.entries(panelModules)
  .map(
    ([type, path]) =>
      `import type * as ${type} from '@grafana/schema/dist/esm/raw/composable/${path}';`,
  )
  .join('\n')}
/** As it stands in JSON: an enumeration is the text that it stands for. */
type Json<T> = T extends string
  ? \`\${T}\`
  : T extends readonly (infer Each)[]
    ? readonly Json<Each>[]
    : T extends object
      ? { readonly [Key in keyof T]: Json<T[Key]> }
      : T;
`;

function checksOf(dashboard: DashboardJson): string {
  const { panels, ...rest } = dashboard;
  const lines = [`export const dashboard: Json<Dashboard> = ${JSON.stringify(rest)};`];
  for (const panel of panels) {
    const name = `panel${panel.id}`;
    if (panel.type === 'row') {
      lines.push(`export const ${name}: Json<RowPanel> = ${JSON.stringify(panel)};`);
      continue;
    }
    lines.push(
      `export const ${name}: Json<Panel> = ${JSON.stringify(panel)};`,
      `export const options${name}: Json<${panel.type}.Options> = ${JSON.stringify(panel.options)};`,
    );
    const { custom } = panel.fieldConfig?.defaults ?? {};
    if (custom === undefined) continue;
    lines.push(
      `export const custom${name}: Json<${panel.type}.FieldConfig> = ${JSON.stringify(custom)};`,
    );
  }
  return lines.join('\n');
}

/** What the compiler says against the dashboard; empty when nothing. */
export function typeErrorsOf(dashboard: DashboardJson): string {
  // Beside the packages, so that their types are found.
  const folder = join(root, 'node_modules/.cache', `quantrac-dashboard-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  try {
    const file = join(folder, 'dashboard.ts');
    writeFileSync(file, `${head}\n${checksOf(dashboard)}\n`);
    const flags = ['--noEmit', '--strict', '--skipLibCheck', '--ignoreConfig'];
    const compiled = spawnSync(
      process.execPath,
      [join(root, 'node_modules/typescript/bin/tsc'), ...flags, '--module', 'nodenext', file],
      { cwd: root, encoding: 'utf8' },
    );
    return compiled.stdout + compiled.stderr;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
