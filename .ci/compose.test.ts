import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parseCommentedJson } from '../commented-json.ts';
import { readConfiguration } from '../configuration.ts';
import { readDockerfile } from './dockerfile.ts';
import { readText, root } from './repository.ts';
import { toolNamed } from './tools.ts';

interface Service {
  readonly image: string;
  readonly build?: object;
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly restart?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly { readonly host_ip?: string; readonly published: string }[];
  readonly deploy?: { readonly resources?: { readonly limits?: { readonly memory?: string } } };
  readonly volumes?: readonly { type: string; source: string; target: string; read_only?: true }[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly networks?: Readonly<Record<string, unknown>>;
  readonly cap_drop?: readonly string[];
  readonly configs?: readonly { readonly source: string }[];
}

interface Project {
  readonly volumes: object;
  readonly configs: object;
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>;
}

const file = 'docker-compose.yml';
const checker = toolNamed('compose-go');

/** What the specification's own reader makes of the file; its complaint when it refuses. */
function read(path: string): { readonly project?: Project; readonly complaint: string } {
  const { status, stdout, stderr } = spawnSync(checker.path, ['-format', 'json', path], {
    cwd: root,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] },
  });
  return status === 0
    ? { project: JSON.parse(stdout) as Project, complaint: '' }
    : { complaint: stderr };
}

function planted(from: string, to: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-compose-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, file);
  const text = readText(file);
  expect(text).toContain(from);
  writeFileSync(path, text.replace(from, to));
  return path;
}

describe.skipIf(checker.isAbsent)(`docker-compose.yml${checker.absent}`, () => {
  const { project, complaint } = read(file);
  const services = Object.entries(project?.services ?? {});
  const nodes = services.filter(
    ([, { environment }]) => environment?.['QUANTRAC_ROLE'] !== undefined,
  );

  test('is as the specification wants it', () => {
    expect(complaint).toBe('');
    expect(services.length).toBeGreaterThan(10);
  });

  test('is refused by name with a key that nobody knows', () => {
    expect(read(planted('    image: apache', '    imge: apache')).complaint).toContain('imge');
    expect(
      read(planted('  grafana:\n    image', '  grafana:\n    restat: no\n    image')).complaint,
    ).toContain('restat');
  });

  test('names nothing that is not there, and waits for health only of who tells it', () => {
    for (const [name, { networks = {}, volumes = [], configs = [], depends_on }] of services) {
      const used = [
        ...Object.keys(networks).filter((each) => !(each in (project?.networks ?? {}))),
        ...configs
          .map(({ source }) => source)
          .filter((each) => !(each in (project?.configs ?? {}))),
        ...volumes
          .filter(({ type, source }) => type === 'volume' && !(source in (project?.volumes ?? {})))
          .map(({ source }) => source),
      ];
      expect([name, used]).toEqual([name, []]);
      for (const [other, { condition }] of Object.entries(depends_on ?? {})) {
        const { healthcheck } = project?.services[other] ?? {};
        expect([other, project?.services[other]]).toEqual([other, expect.anything()]);
        const tells = condition !== 'service_healthy' || healthcheck !== undefined;
        expect([name, other, tells]).toEqual([name, other, true]);
      }
    }
    for (const mounted of readText(file).match(/(?<=[ '])\.\/[\w./-]+/g) ?? []) {
      expect([mounted, existsSync(join(root, mounted))]).toEqual([mounted, true]);
    }
  });

  test('runs two brokers, two workers and two apis, each with a number of its own', () => {
    const roles = nodes.map(([, { environment }]) => environment?.['QUANTRAC_ROLE']);
    expect(roles.map(String).toSorted()).toEqual([
      'api',
      'api',
      'broker',
      'broker',
      'ingest',
      'ingest',
    ]);
    const numbers = nodes.map(([, { environment }]) => environment?.['QUANTRAC_NODE']);
    expect(new Set(numbers).size).toBe(6);
    const folders = nodes.map(
      ([, { volumes }]) => volumes?.find(({ target }) => target === '/var/lib/quantrac')?.source,
    );
    expect(new Set(folders).size).toBe(6);
  });

  test('configures each node as the program understands it', () => {
    const config = join(root, 'compose/quantrac.jsonc');
    for (const [, { environment = {} }] of nodes) {
      const { role, cluster, api } = readConfiguration({ flags: { config }, environment });
      expect([role, cluster?.kafka.brokers, api.metricsPort]).toEqual([
        environment['QUANTRAC_ROLE'],
        ['kafka:9092'],
        9_464,
      ]);
      const token = role === 'ingest' ? 'ingest' : 'reading';
      expect(cluster?.influx?.tokenFile).toBe(`/run/quantrac/${token}/influx-token`);
    }
    expect(parseCommentedJson(readText('compose/quantrac.jsonc'))).toBeTypeOf('object');
  });

  test('says of every service whether it is well, what it may take, and when it starts again', () => {
    const [image] = readDockerfile(readText('Dockerfile')).slice(-1);
    expect(image?.healthcheck[0]).toBe('node');
    for (const [name, { healthcheck, restart, deploy, build, cap_drop }] of services) {
      expect([name, deploy?.resources?.limits?.memory]).toEqual([name, expect.anything()]);
      expect([name, cap_drop]).toEqual([name, ['ALL']]);
      if (name === 'prepare') continue;
      expect([name, restart]).toEqual([name, 'unless-stopped']);
      const isTested = healthcheck?.test !== undefined || build !== undefined;
      expect([name, healthcheck !== undefined && isTested]).toEqual([name, true]);
    }
  });

  test('holds no secret, and gives each to those alone that need it', () => {
    for (const [name, { environment = {} }] of services) {
      const secrets = Object.keys(environment).filter((key) => /TOKEN|PASSWORD|SECRET/.test(key));
      expect([name, secrets.filter((key) => !key.endsWith('_FILE'))]).toEqual([name, []]);
    }
    const readers = (volume: string) =>
      services
        .filter(([, { volumes = [] }]) => volumes.some(({ source }) => source === volume))
        .map(([name]) => name)
        .toSorted();
    expect(readers('secrets-influxdb')).toEqual(['prepare']);
    expect(readers('secrets-ingest')).toEqual(['ingest-1', 'ingest-2', 'prepare']);
    expect(readers('secrets-reading')).toEqual([
      'api-1',
      'api-2',
      'broker-1',
      'broker-2',
      'prepare',
    ]);
    expect(readers('secrets-grafana')).toEqual(['grafana', 'prepare']);
    const writers = services.filter(([, { volumes = [] }]) =>
      volumes.some(({ source, read_only }) => source.startsWith('secrets-') && read_only !== true),
    );
    expect(writers.map(([name]) => name)).toEqual(['prepare']);
  });

  test('publishes doors where it is told to, and what operators see on this machine alone', () => {
    const published = services.filter(([, { ports = [] }]) => ports.length > 0);
    expect(published.map(([name]) => name)).toEqual(['balancer', 'grafana', 'prometheus']);
    for (const [, { ports = [] }] of published) {
      for (const { host_ip } of ports) expect(host_ip).toBe('127.0.0.1');
    }
    // Where the doors are is said by one variable, and nothing else by any.
    const text = readText(file);
    expect(new Set(text.match(/\$\{[^}]*\}/g))).toEqual(
      new Set(['${QUANTRAC_ADDRESS:-127.0.0.1}']),
    );
    expect(text.match(/'\$\{QUANTRAC_ADDRESS:-127\.0\.0\.1\}:(\d+):\1'/g)).toHaveLength(4);
    expect(project?.networks['inside']?.internal).toBe(true);
    for (const name of ['kafka', 'influxdb']) {
      expect(Object.keys(project?.services[name]?.networks ?? {})).toEqual(['inside']);
    }
  });

  test('asks every node for its figures', () => {
    const scraped = readText('compose/prometheus.yml');
    for (const [name] of nodes) expect(scraped).toContain(`- ${name}:9464\n`);
    const balanced = readText('compose/balancer.cfg');
    for (const [name, { environment }] of nodes) {
      const isDoor = environment?.['QUANTRAC_ROLE'] !== 'ingest';
      expect([name, balanced.includes(`server ${name} ${name}:`)]).toEqual([name, isDoor]);
    }
  });
});

const haproxy = toolNamed('haproxy');

describe.skipIf(haproxy.isAbsent)(`the balancer${haproxy.absent}`, () => {
  test('understands its configuration', () => {
    const { status, stderr } = spawnSync(haproxy.path, ['-c', '-f', 'compose/balancer.cfg'], {
      cwd: root,
      encoding: 'utf8',
    });
    // Names of nodes are not known here; they are asked for again while it runs.
    const lines = stderr.split('\n').filter((line) => /ALERT|WARNING/.test(line));
    expect(lines.filter((line) => !/could not resolve address/.test(line))).toEqual([]);
    expect(status).toBe(0);
  });
});

test('the image brings the Node that the repository is tested with', () => {
  const { devDependencies } = JSON.parse(readText('package.json')) as {
    devDependencies: Record<string, string>;
  };
  const stages = readDockerfile(readText('Dockerfile'));
  expect(new Set(stages.map(({ base }) => base))).toEqual(
    new Set([`node:${devDependencies['node']}-bookworm-slim`]),
  );
  expect(stages.at(-1)?.user).toBe('10001:10001');
});
