import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createManualClock } from '../../devices/clock-manual.ts';
import { CodedError } from '../../devices/coded-error.ts';
import { createSeededRandom } from '../../devices/random.ts';
import { openRegistryWriter } from '../../devices/registry-sqlite.ts';
import { createOwnChanges, type RegistryChanges } from '../../devices/registry/changes.ts';
import { createRecordedTelemetry } from '../../devices/telemetry-silent.ts';
import type { Reading } from '../../ingest/reading.ts';
import { createApiEvents } from '../events.ts';
import { network } from '../network.fixture.ts';
import { problemOf } from '../problem.ts';
import { createRegistryAdmin, type Marking, type RegistryAdmin } from './registry.ts';

interface Rig {
  readonly admin: RegistryAdmin;
  readonly appended: readonly Reading[];
  readonly announced: readonly number[];
}

function openRig(marking: Marking, changes?: RegistryChanges): Rig {
  const folder = mkdtempSync(join(tmpdir(), 'quantrac-admin-'));
  const clock = createManualClock(Date.UTC(2026, 0, 1));
  const random = createSeededRandom(1);
  const registry = openRegistryWriter(join(folder, 'registry.db'), { clock, random });
  const appended: Reading[] = [];
  const announced: number[] = [];
  const admin = createRegistryAdmin({
    registry,
    changes: changes ?? createOwnChanges(registry),
    marking,
    clock,
    events: createApiEvents(createRecordedTelemetry()),
    appendReading: async (reading) => appended.push(reading),
    registryChanged: (version) => void announced.push(version),
  });
  onTestFinished(() => {
    admin.close();
    registry.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { admin, appended, announced };
}

it('a change on one machine is in force once its marker is appended', async () => {
  const { admin, appended, announced } = openRig('after');
  expect(await admin.importRegistry(network, 'ann')).toMatchObject({ version: 1, isInForce: true });
  expect(appended.map(({ kind }) => kind)).toEqual(['registry']);
  expect(announced).toEqual([1]);
});

it('a change that carries its marker is in force at once, and none is appended here', async () => {
  const { admin, appended, announced } = openRig('within');
  expect(await admin.importRegistry(network, 'ann')).toMatchObject({ version: 1, isInForce: true });
  expect(await admin.importRegistry(network, 'ann')).toMatchObject({ changed: 0, isInForce: true });
  expect(await admin.markFrom(0)).toBe(true);
  expect(appended).toEqual([]);
  expect(announced).toEqual([1]);
});

it('a change that could not be made is told as such: come again', async () => {
  const entry = { message: 'away', meaning: 'away', canRetry: true };
  const away = new CodedError('CLUSTER_REGISTRY_AWAY', entry, { fields: { version: 3 } });
  const { admin, announced } = openRig('within', { change: () => Promise.reject(away) });
  await expect(admin.importRegistry(network, 'ann')).rejects.toBe(away);
  expect(announced).toEqual([]);
  expect(problemOf(away)).toMatchObject({
    status: 503,
    code: 'CLUSTER_REGISTRY_AWAY',
    isFault: false,
    body: { canRetry: true, version: 3 },
  });
});
