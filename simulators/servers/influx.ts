/** InfluxDB 1.8 and 2.7 as child processes, set up with one database or bucket and a secret made for this start. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { InfluxAddress } from './addresses.ts';
import { startChild, type ServerChild } from './child.ts';
import { installInflux1, installInflux2 } from './install.ts';
import { influxAnswers, setUpInflux1, setUpInflux2 } from './influx-setup.ts';
import { choosePorts } from './ports.ts';
import type { StartOptions } from './start-options.ts';

export interface Influx extends ServerChild, InfluxAddress {
  readonly version: '1.8' | '2.7';
}

interface Program {
  readonly version: Influx['version'];
  readonly command: string;
  readonly words: readonly string[];
  readonly url: string;
  readonly setUp: () => Promise<InfluxAddress>;
}

export async function startInflux1(options: StartOptions): Promise<Influx> {
  const { folder, random } = options;
  const command = await installInflux1(options);
  const address = await listenAddress(options);
  const settings = join(folder, 'influxdb.toml');
  writeFileSync(settings, settingsOf1(folder, address));
  const url = `http://${address}`;
  return startInflux(options, {
    version: '1.8',
    command,
    words: ['run', '-config', settings],
    url,
    setUp: () => setUpInflux1(url, random),
  });
}

export async function startInflux2(options: StartOptions): Promise<Influx> {
  const { folder, random } = options;
  const command = await installInflux2(options);
  const address = await listenAddress(options);
  const url = `http://${address}`;
  return startInflux(options, {
    version: '2.7',
    command,
    words: [
      `--http-bind-address=${address}`,
      `--bolt-path=${join(folder, 'influxd.bolt')}`,
      `--engine-path=${join(folder, 'engine')}`,
      `--sqlite-path=${join(folder, 'influxd.sqlite')}`,
      '--reporting-disabled',
      '--log-level=warn',
    ],
    url,
    setUp: () => setUpInflux2(url, random),
  });
}

async function startInflux(options: StartOptions, program: Program): Promise<Influx> {
  const { version, command, words, url } = program;
  const child = await startChild({
    name: `InfluxDB ${version}`,
    command,
    words,
    folder: options.folder,
    environment: withoutInflux(options.environment),
    logFile: join(options.folder, 'influxd.log'),
    clock: options.clock,
    life: options.life ?? 'attached',
    onSpawn: options.onSpawn,
    answers: () => influxAnswers(url),
  });
  try {
    const address = await program.setUp();
    return Object.assign(child, address, { version });
  } catch (error) {
    await child.kill();
    throw error;
  }
}

/** Both versions take any setting from variables as well, and ours of the same names are meant for clients. */
function withoutInflux(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => !name.startsWith('INFLUX')),
  );
}

async function listenAddress({ ports, random }: StartOptions): Promise<string> {
  const [port] = ports ?? (await choosePorts(random, 1));
  return `127.0.0.1:${port}`;
}

/** https://docs.influxdata.com/influxdb/v1/administration/config/ */
function settingsOf1(folder: string, address: string): string {
  return `reporting-disabled = true
# For backups, which nobody makes here.
bind-address = "127.0.0.1:0"

[meta]
  dir = "${join(folder, 'meta')}"

[data]
  dir = "${join(folder, 'data')}"
  wal-dir = "${join(folder, 'wal')}"
  index-version = "tsi1"
  query-log-enabled = false

[http]
  bind-address = "${address}"
  flux-enabled = true
  auth-enabled = true
  log-enabled = false

[monitor]
  store-enabled = false

[logging]
  level = "warn"
`;
}
