/**
 * Kafka and InfluxDB from the package registries of Maven, Go and Rust, as they are configured on this
 * machine: no container engine, no download page, and no address in a file. Each server is built once,
 * in a folder of its own that appears whole or not at all, named by its version.
 *
 * Needed on the machine: `java` 17 and `mvn` for Kafka, `go` for InfluxDB 1.8, and beside it a C compiler
 * and stable Rust for InfluxDB 2.7, whose query language is a library in Rust.
 */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { runStep } from './install-step.ts';

export interface InstallOptions {
  /** Of the whole process: it says where the cache is, and configures the registries' tools. */
  readonly environment: NodeJS.ProcessEnv;
  readonly tell?: (line: string) => void;
}

interface Recipe {
  /** Name and version of the server: the folder's name, and what makes a new version a new installation. */
  readonly name: string;
  /** Leaves in `result` what the server needs to run. `work` is a folder for whatever is in between. */
  build(options: InstallOptions, work: string, result: string): Promise<void>;
}

const kafka: Recipe = {
  name: 'kafka-4.1.1',
  async build({ environment }, work, result) {
    writeFileSync(join(work, 'pom.xml'), kafkaProject);
    await runStep({
      command: 'mvn',
      words: ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${result}`],
      folder: work,
      environment,
    });
  },
};

/** The server, and what it logs through: without the pair of log4j it writes nothing at all. */
const kafkaProject = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>quantrac</groupId>
  <artifactId>servers</artifactId>
  <version>1</version>
  <dependencies>
${[
  ['org.apache.kafka', 'kafka_2.13', '4.1.1'],
  ['org.apache.logging.log4j', 'log4j-slf4j-impl', '2.25.1'],
  ['org.apache.logging.log4j', 'log4j-core', '2.25.1'],
]
  .map(
    ([group, artifact, version]) =>
      `    <dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`,
  )
  .join('\n')}
  </dependencies>
</project>
`;

const influx1: Recipe = {
  name: 'influxdb-1.8.10',
  build: ({ environment }, work, result) =>
    runStep({
      command: 'go',
      words: ['install', 'github.com/influxdata/influxdb/cmd/influxd@v1.8.10'],
      folder: work,
      environment: { ...environment, GOBIN: result },
    }),
};

const influx2Package = 'github.com/influxdata/influxdb/v2/cmd/influxd';

/** The module of the server cannot be installed by name: its go.mod replaces modules. A scratch one requires it. */
const influx2Module = 'module quantrac/servers\n\ngo 1.23\n';
const influx2Imports = `//go:build tools

package tools

import (
	_ "github.com/influxdata/flux"
	_ "${influx2Package}"
)
`;

/** Flux refuses to build with warnings, and a Rust newer than it has new ones. */
const rustWrapper = '#!/bin/sh\nexec "$@" --cap-lints=warn\n';

const influx2: Recipe = {
  name: 'influxdb-2.7.12',
  async build({ environment }, work, result) {
    const wrapper = join(work, 'rustc-wrapper');
    writeFileSync(wrapper, rustWrapper, { mode: 0o755 });
    writeFileSync(join(work, 'go.mod'), influx2Module);
    writeFileSync(join(work, 'tools.go'), influx2Imports);
    const step = (words: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<void> =>
      runStep({ command: 'go', words, folder: work, environment: { ...environment, ...more } });
    // Builds the library in Rust on the way, where Go asks for its linker flags.
    await step(['install', 'github.com/influxdata/pkg-config@v0.2.14'], { GOBIN: work });
    await step(['get', `${influx2Package}@v2.7.12`, 'github.com/influxdata/flux@v0.196.1']);
    const tags = 'sqlite_foreign_keys,sqlite_json';
    await step(['build', '-tags', tags, '-o', join(result, 'influxd'), influx2Package], {
      GOFLAGS: `${environment['GOFLAGS'] ?? ''} -mod=mod`.trim(),
      PKG_CONFIG: join(work, 'pkg-config'),
      RUSTUP_TOOLCHAIN: 'stable',
      RUSTC_WRAPPER: wrapper,
    });
  },
};

/** The folder of jars; seconds. */
export const installKafka = (options: InstallOptions): Promise<string> => install(kafka, options);

/** The server's program; a minute of two cores. */
export const installInflux1 = async (options: InstallOptions): Promise<string> =>
  join(await install(influx1, options), 'influxd');

/** The server's program; some minutes of two cores. */
export const installInflux2 = async (options: InstallOptions): Promise<string> =>
  join(await install(influx2, options), 'influxd');

/** Outside the repository, so that `npm ci` and a fresh clone find what another has built. */
export function installFolder(environment: NodeJS.ProcessEnv): string {
  const caches = environment['XDG_CACHE_HOME'] ?? join(environment['HOME'] ?? homedir(), '.cache');
  return environment['QUANTRAC_SERVERS_DIR'] ?? join(caches, 'quantrac', 'servers');
}

async function install(recipe: Recipe, options: InstallOptions): Promise<string> {
  const cache = installFolder(options.environment);
  const finished = join(cache, recipe.name);
  if (existsSync(finished)) return finished;
  options.tell?.(`installing ${recipe.name}`);
  mkdirSync(cache, { recursive: true });
  const building = mkdtempSync(join(cache, `.${recipe.name}-`));
  try {
    const work = join(building, 'work');
    const result = join(building, 'result');
    mkdirSync(work);
    mkdirSync(result);
    await recipe.build(options, work, result);
    publish(result, finished);
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
  return finished;
}

/** Of two that install at once the first one counts; the other has built the same. */
function publish(result: string, finished: string): void {
  try {
    renameSync(result, finished);
  } catch (error) {
    if (!existsSync(finished)) throw error;
  }
}
