/** Where a storm can be: over Kafka in memory, in time that is moved by hand, or over Kafka itself. */
import { setImmediate } from 'node:timers/promises';
import { createManualClock } from '../../../devices/clock-manual.ts';
import { openSystemClock } from '../../../devices/clock-system.ts';
import { sleep } from '../../../devices/clock.ts';
import type { RealKafka } from '../../log/kafka/real.fixture.ts';
import { createKafkaServer, type KafkaServer } from '../../log/kafka/memory.ts';
import type { Ground } from './world.fixture.ts';

const stepMs = 5;

export function groundInMemory(): { readonly ground: Ground; readonly server: KafkaServer } {
  const clock = createManualClock(Date.UTC(2026, 0, 5));
  const server = createKafkaServer();
  const ground: Ground = {
    clock,
    connect: () => server.connect(),
    name: 'storm',
    async pass(ms) {
      for (let leftMs = ms; leftMs > 0; leftMs -= stepMs) {
        await setImmediate();
        clock.advance(Math.min(stepMs, leftMs));
      }
      await setImmediate();
    },
  };
  return { ground, server };
}

/** Over Kafka itself, in time as it is. */
export function groundOn(real: RealKafka): Ground {
  const clock = openSystemClock();
  return {
    clock,
    connect: () => real.connect({ requestTimeoutMs: 5_000, fetchWaitMs: 50 }),
    name: real.unique('storm'),
    pass: (ms) => sleep(clock, ms),
  };
}
