/**
 * `node .ci/image.ts`: carries out the Dockerfile without a container engine, each stage in a folder of
 * its own, and starts what comes out of it as a user without rights, on a program that nobody can change.
 * What only an engine can do is left out and said: making the user and the owners of folders.
 */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, mkdtempSync } from 'node:fs';
import { readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { isIgnored, readDockerfile, type Stage } from './dockerfile.ts';
import { readText, root } from './repository.ts';

const folder = mkdtempSync(join(tmpdir(), 'quantrac-image-'));
const tell = (line: string): void => void process.stdout.write(`${line}\n`);

/** A folder with nothing but the Node of the repository, so that npm runs on it too. */
function makePath(): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  symlinkSync(process.execPath, join(bin, 'node'));
  const rest = (process.env['PATH'] ?? '').split(':').filter((each) => !each.includes('.bin'));
  return [bin, ...rest].join(':');
}

/** What is committed, less what .dockerignore names. */
function makeContext(): string {
  const context = join(folder, 'context');
  mkdirSync(context);
  const archive = execFileSync('git', ['archive', 'HEAD'], { cwd: root, maxBuffer: 2 ** 30 });
  execFileSync('tar', ['-x', '-C', context], { input: archive });
  const patterns = readText('.dockerignore').split('\n');
  for (const path of readdirSync(context, { recursive: true, encoding: 'utf8' })) {
    if (isIgnored(path, patterns)) rmSync(join(context, path), { recursive: true, force: true });
  }
  return context;
}

/** Commands that stay inside the folder of their stage; the others are an engine's. */
const isOurs = (command: string): boolean => /^(npm|node|mv|rm) /.test(command);

interface Built {
  /** Root of the stage's file system. */
  readonly root: string;
  /** Where its last WORKDIR is. */
  readonly workdir: string;
}

function build(stage: Stage, context: string, built: ReadonlyMap<string, Built>): Built {
  const base = join(folder, `stage-${built.size}`);
  let workdir = base;
  mkdirSync(base);
  for (const { word, rest, from } of stage.instructions) {
    if (word === 'WORKDIR') {
      workdir = join(base, rest);
      mkdirSync(workdir, { recursive: true });
    } else if (word === 'COPY') {
      const source = from === undefined ? context : (built.get(from)?.root ?? '');
      const names = rest.split(' ').filter((each) => !each.startsWith('--'));
      copy(names.slice(0, -1), source, join(workdir, names.at(-1) ?? ''));
    } else if (word === 'RUN' && isOurs(rest)) {
      tell(`   ${rest}`);
      run(rest, workdir);
    } else if (word === 'RUN') {
      tell(`   left out: ${rest}`);
    }
  }
  return { root: base, workdir };
}

/** As COPY does: one folder becomes the target, one file too, several files go into it. */
function copy(names: readonly string[], source: string, target: string): void {
  for (const name of names) {
    const from = join(source, name);
    const isInto = names.length > 1 || (target.endsWith('/') && statSync(from).isFile());
    cpSync(from, isInto ? join(target, name) : target, { recursive: true, verbatimSymlinks: true });
  }
}

const path = makePath();

function run(command: string, cwd: string): void {
  const { status } = spawnSync('sh', ['-ec', command], {
    cwd,
    stdio: ['ignore', 'ignore', 'inherit'],
    // Beside the path all of this machine's: how a registry is reached from here is its affair.
    env: { ...process.env, PATH: path, npm_config_update_notifier: 'false' },
  });
  if (status !== 0) throw new Error(`${command}: exit code ${status}`);
}

/** Packages that the program imports and that are not there for it. */
function strangers(app: string): string[] {
  const { dependencies } = JSON.parse(readFileSync(join(app, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const found = new Set<string>();
  const files = readdirSync(app, { recursive: true, encoding: 'utf8' }).filter(
    (name) => /\.[jt]s$/.test(name) && !name.startsWith('node_modules') && !name.includes('web/'),
  );
  for (const file of files) {
    const text = readFileSync(join(app, file), 'utf8');
    const imports = text.matchAll(
      /^(?:import|export)\s(?!type\b)(?:[^;']*?\sfrom\s+)?'([^'.]+)'|\bimport\('([^'.]+)'\)/gm,
    );
    for (const [, plain, dynamic] of imports) {
      const name = /^(@[^/]+\/)?[^/]+/.exec(plain ?? dynamic ?? '')?.[0] ?? '';
      if (!name.startsWith('node:') && !(name in dependencies)) found.add(`${file}: ${name}`);
    }
  }
  return [...found];
}

/** As the engine would: its environment, its user, its command. Resolves to the port once it listens. */
function start(app: string, stage: Stage): { child: ChildProcess; port: Promise<number> } {
  const home = join(folder, 'home');
  mkdirSync(home);
  const [uid = 0] = (stage.user ?? '').split(':').map(Number);
  const user = process.getuid?.() === 0 ? { uid, gid: uid } : {};
  if ('uid' in user) chownSync(home, uid, uid);
  chmodSync(folder, 0o755);
  const environment = Object.fromEntries(
    Object.entries(stage.environment).map(([name, value]) => [
      name,
      value.replace('/var/lib/quantrac', home),
    ]),
  );
  const [command = '', ...words] = [...stage.entrypoint, ...stage.command];
  const ports = ['--mqtt-port', '--mqtt-ws-port', '--http-port'].flatMap((flag) => [flag, '0']);
  const child = spawn(command, [...words, '--json', ...ports], {
    ...user,
    cwd: app,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...environment, PATH: path },
  });
  const port = new Promise<number>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      resolve((JSON.parse(line) as { httpPort: number }).httpPort);
    });
    child.once('exit', (code) => reject(new Error(`it ended with ${code} before it listened`)));
  });
  return { child, port };
}

async function prove(app: string, stage: Stage): Promise<void> {
  const foreign = strangers(app);
  if (foreign.length > 0) throw new Error(`no dependencies: ${foreign.join(', ')}`);
  // The first start of the composition is a program of the image too: without a folder it says its use.
  const { status: preparing } = spawnSync(process.execPath, ['compose/main.ts'], { cwd: app });
  if (preparing !== 2) throw new Error(`compose/main.ts ended with ${preparing}`);
  const { child, port } = start(app, stage);
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  try {
    const httpPort = await port;
    for (const address of ['/livez', '/readyz', '/', '/api/v1/latest', '/metrics']) {
      const { status } = await fetch(`http://127.0.0.1:${httpPort}${address}`);
      tell(`   ${status} ${address}`);
      if (status !== 200) throw new Error(`${address} answered ${status}`);
    }
    const [command = '', ...words] = stage.healthcheck;
    const check = (checked: number) =>
      spawnSync(command, words, { env: { PATH: path, QUANTRAC_HTTP_PORT: String(checked) } })
        .status;
    if (check(httpPort) !== 0) throw new Error('the health check says that it is ill');
    if (check(1) !== 1) throw new Error('the health check does not see that nothing answers');
  } finally {
    child.kill('SIGTERM');
  }
  const code = await exited;
  if (code !== 0) throw new Error(`it ended with ${code} on SIGTERM`);
}

try {
  const stages = readDockerfile(readText('Dockerfile'));
  const context = makeContext();
  const built = new Map<string, Built>();
  for (const stage of stages) {
    tell(`== ${stage.name} from ${stage.base}`);
    built.set(stage.name, build(stage, context, built));
  }
  const last = stages.at(-1);
  const app = built.get(last?.name ?? '')?.workdir ?? '';
  if (last === undefined || !existsSync(join(app, 'main.ts')))
    throw new Error('no program is there');
  run('chmod -R a-w,a+rX .', app);
  const bytes = execFileSync('du', ['-sb', app], { encoding: 'utf8' }).split('\t')[0];
  tell(`== started as ${last.user}, ${Math.round(Number(bytes) / 2 ** 20)} MiB of program`);
  await prove(app, last);
  tell('the image builds, starts without rights, answers, and ends on SIGTERM');
} finally {
  run('chmod -R u+w .', folder);
  rmSync(folder, { recursive: true, force: true });
}
