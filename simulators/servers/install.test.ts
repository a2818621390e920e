import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { installFolder, installInflux1, installInflux2, installKafka } from './install.ts';

/** A machine whose only tool of that name is the script given; `$calls` is a file for it to write to. */
function machineWith(tool: string, script: string) {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-install-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const calls = join(folder, 'calls');
  const cache = join(folder, 'cache');
  writeFileSync(join(folder, tool), `#!/bin/sh\ncalls=${calls}\n${script}\n`);
  chmodSync(join(folder, tool), 0o755);
  const environment = {
    PATH: `${folder}:/usr/bin:/bin`,
    QUANTRAC_SERVERS_DIR: cache,
    GOFLAGS: '-modcacherw',
  };
  return {
    environment,
    cache,
    readCalls: () => (existsSync(calls) ? readFileSync(calls, 'utf8').trimEnd().split('\n') : []),
  };
}

/** Does with its last word, the folder of the jars, what Maven would. */
const maven = `echo "$@" >> $calls
grep -q kafka_2.13 pom.xml && touch "\${4#-DoutputDirectory=}/kafka.jar"`;

test('a server is installed once, and told only then', async () => {
  const { environment, cache, readCalls } = machineWith('mvn', maven);
  const told: string[] = [];
  const tell = (line: string) => void told.push(line);
  const jars = await installKafka({ environment, tell });
  expect(jars).toBe(join(cache, 'kafka-4.1.1'));
  expect(readdirSync(jars)).toEqual(['kafka.jar']);
  expect(await installKafka({ environment, tell })).toBe(jars);
  expect(readCalls()).toHaveLength(1);
  expect(told).toEqual(['installing kafka-4.1.1']);
  expect(readdirSync(cache)).toEqual(['kafka-4.1.1']);
});

test('two that install at once both find it whole', async () => {
  const { environment, cache } = machineWith('mvn', maven);
  const [one, other] = await Promise.all([
    installKafka({ environment }),
    installKafka({ environment }),
  ]);
  expect(one).toBe(other);
  expect(readdirSync(one)).toEqual(['kafka.jar']);
  expect(readdirSync(cache)).toEqual(['kafka-4.1.1']);
});

test('a command that fails is named with the end of its output, and leaves nothing', async () => {
  const { environment, cache } = machineWith('go', 'seq 1 100; echo no such module >&2; exit 3');
  const failed = installInflux1({ environment });
  await expect(failed).rejects.toMatchObject({
    code: 'SIMULATORS_INSTALL_FAILED',
    fields: {
      command: 'go install github.com/influxdata/influxdb/cmd/influxd@v1.8.10',
      problem: 'it ended with 3',
      output: expect.stringMatching(/^8\d\n(.*\n)*no such module$|^no such module\n(.*\n)*100$/),
    },
  });
  expect(readdirSync(cache)).toEqual([]);
});

test('a command that is not on the machine is named', async () => {
  const { environment } = machineWith('other', '');
  await expect(
    installKafka({ environment: { ...environment, PATH: '/nowhere' } }),
  ).rejects.toMatchObject({
    code: 'SIMULATORS_INSTALL_FAILED',
    fields: { problem: 'the command cannot be started' },
  });
});

test('InfluxDB 2.7 is built with what its library in Rust needs', async () => {
  const go = `echo "$1" $RUSTUP_TOOLCHAIN $GOFLAGS >> $calls
if [ "$1" = build ]; then
  "$RUSTC_WRAPPER" echo rustc >> $calls
  test "$PKG_CONFIG" = "$PWD/pkg-config" && grep -q flux tools.go && touch "$5"
fi`;
  const { environment, readCalls } = machineWith('go', go);
  expect(existsSync(await installInflux2({ environment }))).toBe(true);
  expect(readCalls()).toEqual([
    'install -modcacherw',
    'get -modcacherw',
    'build stable -modcacherw -mod=mod',
    'rustc --cap-lints=warn',
  ]);
});

test('servers lie in the cache of the person, or where the environment says', () => {
  expect(installFolder({ HOME: '/home/a' })).toBe('/home/a/.cache/quantrac/servers');
  expect(installFolder({ HOME: '/home/a', XDG_CACHE_HOME: '/c' })).toBe('/c/quantrac/servers');
  expect(installFolder({ HOME: '/home/a', QUANTRAC_SERVERS_DIR: '/s' })).toBe('/s');
});
