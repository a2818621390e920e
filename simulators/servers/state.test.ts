import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openSystemClock } from '../../devices/clock-system.ts';
import { exportsFile, isComplete, keepAddresses, keepProcess, stopByState } from './state.ts';

const clock = openSystemClock();

function place() {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-state-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const data = join(folder, 'data');
  mkdirSync(data);
  return { data, stateFile: join(folder, 'some/state') };
}

function startSleeper() {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ending = new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)));
  return { pid: child.pid ?? 0, ending };
}

// Whether a number still belongs to the same process is read from /proc.
describe.skipIf(process.platform !== 'linux')(
  'what a start leaves for a stop (needs Linux)',
  () => {
    test('processes are ended, their data and the files are gone', async () => {
      const { data, stateFile } = place();
      const sleepers = [startSleeper(), startSleeper()];
      for (const { pid } of sleepers) keepProcess(stateFile, data, pid);
      expect(isComplete(stateFile)).toBe(false);
      keepAddresses(stateFile, { kafka: { brokers: ['127.0.0.1:1'] } });
      expect(isComplete(stateFile)).toBe(true);
      await stopByState(stateFile, clock);
      for (const { ending } of sleepers) expect(await ending).toBe('SIGTERM');
      expect([data, stateFile, exportsFile(stateFile)].filter((path) => existsSync(path))).toEqual(
        [],
      );
      expect(isComplete(stateFile)).toBe(false);
      await stopByState(stateFile, clock);
    });

    test('a process that is stopped takes its end as well', async () => {
      const { data, stateFile } = place();
      const { pid, ending } = startSleeper();
      process.kill(pid, 'SIGSTOP');
      keepProcess(stateFile, data, pid);
      await stopByState(stateFile, clock);
      expect(await ending).toBe('SIGTERM');
    });

    test('another process that was given the number of one that ended is left alone', async () => {
      const { data, stateFile } = place();
      const { pid, ending } = startSleeper();
      keepProcess(stateFile, data, pid);
      const state = readFileSync(stateFile, 'utf8');
      writeFileSync(stateFile, state.replace(/"startTicks":"\d+"/, '"startTicks":"1"'));
      await stopByState(stateFile, clock);
      expect(existsSync(stateFile)).toBe(false);
      process.kill(pid, 'SIGINT');
      expect(await ending).toBe('SIGINT');
    });

    test('secrets are for their owner alone', () => {
      const { stateFile, data } = place();
      keepProcess(stateFile, data, process.pid);
      keepAddresses(stateFile, {
        influx2: { url: 'http://127.0.0.1:1', token: 'secret', org: 'o', bucket: 'b' },
      });
      expect(statSync(exportsFile(stateFile)).mode & 0o777).toBe(0o600);
      expect(readFileSync(exportsFile(stateFile), 'utf8')).toContain(
        "export INFLUX_TOKEN='secret'\n",
      );
    });
  },
);
