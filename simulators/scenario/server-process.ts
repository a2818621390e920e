/** The server as its own process, to be killed: started by the same command that a person uses. */
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface ServerPorts {
  readonly mqttPort: number;
  readonly mqttWsPort: number;
  readonly httpPort: number;
}

export interface ServerProcess {
  readonly ports: ServerPorts;
  readonly pid: number;
  /** `kill -9`; resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves to the exit code. */
  stop(): Promise<number | null>;
  /** Resolves when the process is gone, for whatever reason, to its exit code. */
  readonly gone: Promise<number | null>;
}

export interface ServerProcessOptions {
  readonly dataDir: string;
  readonly flags?: readonly string[];
  /** Variables beside those of this process. */
  readonly environment?: Readonly<Record<string, string>>;
  /** 0 or absent: free ones. A restarted server may be given those it had. */
  readonly ports?: ServerPorts;
  /** Standard error of the server, line by line. */
  readonly onLine?: (line: string) => void;
}

const root = join(import.meta.dirname, '../..');

export function runtime(): string {
  return process.execPath;
}

/** Resolves once the server listens; rejects with what it wrote when it ends before. */
export function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  return spawnServer(options).listening;
}

export interface SpawnedServer {
  readonly child: ChildProcess;
  readonly listening: Promise<ServerProcess>;
}

/** Also gives the process before it listens, so that a recovery can be killed too. */
export function spawnServer(options: ServerProcessOptions): SpawnedServer {
  const { ports } = options;
  const flags = [
    ['--data-dir', options.dataDir],
    ['--host', '127.0.0.1'],
    ['--mqtt-port', String(ports?.mqttPort ?? 0)],
    ['--mqtt-ws-port', String(ports?.mqttWsPort ?? 0)],
    ['--http-port', String(ports?.httpPort ?? 0)],
  ].flat();
  const child = spawn(
    runtime(),
    [join(root, 'quantrac.js'), 'run', '--json', ...flags, ...(options.flags ?? [])],
    {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...options.environment },
    },
  );
  const gone = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const written: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    written.push(line);
    if (written.length > 200) written.shift();
    options.onLine?.(line);
  });
  const listening = new Promise<ServerProcess>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const event = JSON.parse(line) as ServerPorts & { readonly event: string };
      if (event.event !== 'listening') return;
      resolve({
        ports: event,
        pid: child.pid ?? 0,
        gone,
        kill: async () => {
          child.kill('SIGKILL');
          await gone;
        },
        stop: () => {
          child.kill('SIGTERM');
          return gone;
        },
      });
    });
    void gone.then((code) =>
      reject(new Error(`the server ended with ${code} before it listened:\n${written.join('\n')}`)),
    );
  });
  listening.catch(() => {});
  return { child, listening };
}

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  /** Beside those of this process. */
  readonly environment?: Readonly<Record<string, string>>;
  /** A command that has not ended by itself by then is stopped; its code is then null. */
  readonly msMax?: number;
}

/** Runs one command of the command line to its end. */
export function runCommand(
  words: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(runtime(), [join(root, 'quantrac.js'), ...words], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...options.environment },
      ...(options.msMax === undefined ? {} : { timeout: options.msMax, killSignal: 'SIGKILL' }),
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')));
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}
