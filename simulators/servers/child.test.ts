import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Clock } from '../../devices/clock.ts';
import { openSystemClock } from '../../devices/clock-system.ts';
import { openSystemRandom } from '../../devices/random.ts';
import { controlTogether, startChild, untilAnswers, type ServerCommand } from './child.ts';
import { choosePorts } from './ports.ts';

/** The machine's clock, on which waiting takes a hundredth of its time. */
function openHastyClock(): Clock {
  const clock = openSystemClock();
  return {
    now: () => clock.now(),
    monotonicMs: () => clock.monotonicMs() * 100,
    schedule: (delayMs, run) => clock.schedule(delayMs / 100, run),
  };
}

/** As the machine's, until it is told to hurry: a start may take its time. */
function openLateClock(): Clock & { hurry(): void } {
  let clock = openSystemClock();
  return {
    now: () => clock.now(),
    monotonicMs: () => clock.monotonicMs(),
    schedule: (delayMs, run) => clock.schedule(delayMs, run),
    hurry: () => void (clock = openHastyClock()),
  };
}

interface Served extends ServerCommand {
  readonly url: string;
}

/** A server of one line: answers with the number of its process, after what else it is told to do. */
async function serverCommand(more = '', clock: Clock = openSystemClock()): Promise<Served> {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-child-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [port] = await choosePorts(openSystemRandom(), 1);
  const url = `http://127.0.0.1:${port}`;
  const script = `${more}
    require('node:http').createServer((_, answer) => answer.end(String(process.pid))).listen(${port}, '127.0.0.1')`;
  return {
    name: 'one line',
    command: process.execPath,
    words: ['-e', script],
    folder,
    environment: process.env,
    logFile: join(folder, 'log'),
    clock,
    life: 'attached',
    answers: async () => (await fetch(url)).ok,
    url,
  };
}

async function start(command: Served) {
  const child = await startChild(command);
  onTestFinished(() => child.kill());
  return child;
}

const ask = async (url: string, withinMs = 60_000): Promise<number> =>
  Number(await (await fetch(url, { signal: AbortSignal.timeout(withinMs) })).text());

describe('a server as a child', () => {
  test('it answers once it is started, is gone once killed, and comes back at its address', async () => {
    const command = await serverCommand();
    const child = await start(command);
    const first = child.pid;
    expect(await ask(command.url)).toBe(first);
    expect(child.rssBytes()).toBeGreaterThan(2 ** 20);
    await child.kill();
    expect(() => process.kill(first, 0)).toThrow(/ESRCH/);
    expect([child.cpuSeconds(), child.rssBytes()]).toEqual([0, 0]);
    await child.restart();
    expect(child.pid).not.toBe(first);
    expect(await ask(command.url)).toBe(child.pid);
  });

  test('a restart ends the one that runs', async () => {
    const command = await serverCommand();
    const child = await start(command);
    const first = child.pid;
    await child.restart();
    expect(() => process.kill(first, 0)).toThrow(/ESRCH/);
    expect(await ask(command.url)).toBe(child.pid);
  });

  test('a paused one is silent, answers when it is resumed, and can be stopped', async () => {
    const command = await serverCommand();
    const child = await start(command);
    child.pause();
    await expect(ask(command.url, 500)).rejects.toThrow(/timeout/);
    child.resume();
    expect(await ask(command.url)).toBe(child.pid);
    child.pause();
    await child.stop();
    expect(() => process.kill(child.pid, 0)).toThrow(/ESRCH/);
  });

  test('one that does not stop when asked is killed', async () => {
    const stubborn = "process.on('SIGTERM', () => {});";
    const clock = openLateClock();
    const child = await start(await serverCommand(stubborn, clock));
    clock.hurry();
    await child.stop();
    expect(() => process.kill(child.pid, 0)).toThrow(/ESRCH/);
  });

  test('stopping twice, or what was killed, is harmless', async () => {
    const child = await start(await serverCommand());
    await child.kill();
    await child.stop();
    child.pause();
    child.resume();
    expect(child.rssBytes()).toBe(0);
  });

  test('one that ends before it answers is told with the end of its log', async () => {
    const command = await serverCommand("console.error('the disk is full'); process.exit(4);");
    await expect(startChild(command)).rejects.toMatchObject({
      code: 'SIMULATORS_SERVER_ENDED',
      fields: { name: 'one line', ending: 'code 4', log: 'the disk is full' },
    });
  });

  test('one that never answers is killed', async () => {
    const pids: number[] = [];
    const command = {
      ...(await serverCommand('', openHastyClock())),
      onSpawn: (pid: number) => void pids.push(pid),
      answers: () => Promise.reject(new Error('not yet')),
    };
    await expect(startChild(command)).rejects.toMatchObject({ code: 'SIMULATORS_SERVER_SILENT' });
    expect(pids).toHaveLength(1);
    expect(() => process.kill(pids[0] ?? 0, 0)).toThrow(/ESRCH/);
  });

  test('one whose program is not there is told', async () => {
    const command = { ...(await serverCommand()), command: '/nowhere/influxd', life: 'detached' };
    await expect(startChild(command as ServerCommand)).rejects.toMatchObject({
      code: 'SIMULATORS_SERVER_ENDED',
    });
  });

  test('several are one: ended, resumed and counted together', async () => {
    const children = [await start(await serverCommand()), await start(await serverCommand())];
    const together = controlTogether(children);
    const [first = 0, second = 0] = children.map((child) => child.rssBytes());
    expect(together.rssBytes()).toBeGreaterThan(Math.max(first, second));
    expect(together.cpuSeconds()).toBeGreaterThanOrEqual(0);
    together.pause();
    together.resume();
    await together.restart();
    await together.kill();
    expect(together.rssBytes()).toBe(0);
    await together.stop();
  });
});

describe.skipIf(process.platform !== 'linux')('a parent that is killed (needs Linux)', () => {
  test('takes its servers with it', async () => {
    const { words, url, folder } = await serverCommand();
    const script = `
      const { startChild } = await import(${JSON.stringify(join(import.meta.dirname, 'child.ts'))});
      const { openSystemClock } = await import(${JSON.stringify(join(import.meta.dirname, '../../devices/clock-system.ts'))});
      const child = await startChild({ name: 'one line', command: process.execPath, words: ${JSON.stringify(words)},
        folder: '.', environment: process.env, logFile: 'log', clock: openSystemClock(), life: 'attached',
        answers: async () => (await fetch('${url}')).ok });
      console.log(child.pid);
      setInterval(() => {}, 1_000);`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const pid = await new Promise<number>((resolve) =>
      createInterface({ input: parent.stdout }).once('line', (line) => resolve(Number(line))),
    );
    expect(await ask(url)).toBe(pid);
    parent.kill('SIGKILL');
    const isRefused = () =>
      ask(url).then(
        () => false,
        (error: unknown) => error instanceof TypeError && error.message === 'fetch failed',
      );
    await untilAnswers(openSystemClock(), 'the end of the child', isRefused);
    expect(await isRefused()).toBe(true);
  });
});
