/** Before the first test, once a run: finds the real servers for the suites that want them (`addresses.ts`). */
import { existsSync } from 'node:fs';
import type { TestProject } from 'vitest/node';
import { openSystemClock } from '../../devices/clock-system.ts';
import { openSystemRandom } from '../../devices/random.ts';
import { readAddresses, type ServerAddresses } from './addresses.ts';

const engineSocket = '/var/run/docker.sock';

interface Found {
  readonly addresses: ServerAddresses;
  /** Why those that are not among them are not. */
  readonly reason: string;
  readonly stop?: () => Promise<void>;
}

export default async function provideServers(
  project: TestProject,
): Promise<(() => Promise<void>) | undefined> {
  const hasEngine = process.env['DOCKER_HOST'] !== undefined || existsSync(engineSocket);
  const { addresses, reason, stop } = await findServers(process.env, hasEngine);
  project.provide('realServers', { ...addresses, absent: ` (skipped: ${reason})` });
  return stop;
}

export async function findServers(
  environment: NodeJS.ProcessEnv,
  hasEngine: boolean,
): Promise<Found> {
  const addresses = readAddresses(environment);
  if (Object.keys(addresses).length > 0) return { addresses, reason: 'not in the environment' };
  if (environment['QUANTRAC_SERVERS'] === '0')
    return { addresses: {}, reason: 'QUANTRAC_SERVERS is 0' };
  if (!hasEngine)
    return { addresses: {}, reason: 'no address in the environment, no container engine' };
  return startEngine();
}

/** An engine that cannot start them is told, and is no reason for the other tests not to run. */
async function startEngine(): Promise<Found> {
  try {
    const { startContainers } = await import('./containers.ts');
    return {
      ...(await startContainers(openSystemClock(), openSystemRandom())),
      reason: 'not started',
    };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    process.stderr.write(`The container engine does not start the servers for tests: ${problem}\n`);
    return { addresses: {}, reason: 'the container engine did not start it' };
  }
}
