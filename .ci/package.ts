/**
 * `node .ci/package.ts`: packs what a user of npm gets, installs it in a folder elsewhere, and mirrors a
 * real server with it: as a command, as a library, and as types. Packing happens in a copy, so that
 * nothing is left in the checkout.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { listFiles, root } from './repository.ts';

const folder = mkdtempSync(join(tmpdir(), 'quantrac-package-'));
const app = join(folder, 'app');
const tell = (line: string): void => void process.stdout.write(`${line}\n`);

/** A folder with nothing but the Node of the repository, so that npm runs on it too. */
function makePath(): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  symlinkSync(process.execPath, join(bin, 'node'));
  const rest = (process.env['PATH'] ?? '').split(':').filter((each) => !each.includes('.bin'));
  return [bin, ...rest].join(':');
}

const environment = {
  // Beside the path all of this machine's: how a registry is reached from here is its affair.
  ...process.env,
  PATH: makePath(),
  npm_config_update_notifier: 'false',
};

function run(cwd: string, command: string, ...words: readonly string[]): string {
  tell(`   ${[command, ...words].join(' ').replaceAll(folder, '…')}`);
  const { status, stdout } = spawnSync(command, words, {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    env: environment,
  });
  if (status !== 0) throw new Error(`${command} ${words.join(' ')}: exit code ${status}`);
  return stdout;
}

/** What is committed or about to be, with the packages of this checkout. Gives the tarball. */
function pack(): string {
  const source = join(folder, 'source');
  for (const path of listFiles().filter((each) => each !== 'node_modules')) {
    mkdirSync(dirname(join(source, path)), { recursive: true });
    cpSync(join(root, path), join(source, path));
  }
  symlinkSync(join(root, 'node_modules'), join(source, 'node_modules'));
  run(source, 'npm', 'pack', '--silent', '--pack-destination', folder);
  const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly name: string;
    readonly version: string;
  };
  rmSync(source, { recursive: true });
  return join(folder, `${name}-${version}.tgz`);
}

function install(tarball: string): void {
  mkdirSync(app);
  writeFileSync(join(app, 'package.json'), '{"private":true,"type":"module"}');
  run(app, 'npm', 'install', '--no-audit', '--no-fund', '--loglevel', 'error', tarball);
}

/** The server of the package, on free ports; resolves to its address. */
function startServer(): { readonly child: ChildProcess; readonly url: Promise<string> } {
  const ports = ['--mqtt-port', '--mqtt-ws-port', '--http-port'].flatMap((flag) => [flag, '0']);
  const words = [join(app, 'node_modules/.bin/quantrac'), 'run', '--demo', '--json', ...ports];
  const child = spawn(process.execPath, [...words, '--data-dir', join(folder, 'data')], {
    cwd: app,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: environment,
  });
  const url = new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { event, httpPort } = JSON.parse(line) as { event?: string; httpPort?: number };
      if (event === 'listening') resolve(`http://127.0.0.1:${httpPort}`);
    });
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  });
  return { child, url };
}

/** Uses both libraries as a program of somebody else does; ends with 1 where they say anything wrong. */
const program = `
import { openMirrorFiles, verifyMirror, type MirrorReport } from 'quantrac/mirror';
import { readManifest } from 'quantrac/proof';

const report: MirrorReport = verifyMirror(openMirrorFiles('copy'));
const isRefused: boolean = 'problem' in readManifest(new TextEncoder().encode('{}'));
if (report.findings.length > 0 || report.rows === 0 || !isRefused) process.exit(1);
`;

function useLibraries(): void {
  writeFileSync(join(app, 'use.ts'), program);
  const types = ['--module', 'nodenext', '--target', 'esnext', '--strict', '--noEmit'];
  const found = ['--types', 'node', '--typeRoots', join(root, 'node_modules/@types')];
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  run(app, process.execPath, compiler, ...types, ...found, '--ignoreConfig', 'use.ts');
  run(app, process.execPath, 'use.ts');
}

async function prove(): Promise<void> {
  const { child, url } = startServer();
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const command = (...words: string[]): string =>
    run(app, process.execPath, join(app, 'node_modules/.bin/quantrac'), ...words);
  try {
    const address = await url;
    await untilMeasured(address);
    command('manifest', '--data-dir', join(folder, 'data'));
    command('mirror', address, 'copy');
  } finally {
    child.kill('SIGTERM');
  }
  const code = await exited;
  if (code !== 0) throw new Error(`the server ended with ${code} on SIGTERM`);
  tell(`   ${command('mirror', 'copy', '--verify').trim()}`);
  useLibraries();
}

/** Simulated stations publish every two seconds. */
async function untilMeasured(address: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const { items } = (await (await fetch(`${address}/api/v1/latest`)).json()) as {
      items: unknown[];
    };
    if (items.length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error('nothing is measured');
}

try {
  install(pack());
  await prove();
  tell('the package installs elsewhere, serves, mirrors and verifies');
} finally {
  rmSync(folder, { recursive: true, force: true });
}
