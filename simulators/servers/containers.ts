/** The same servers as official images, where a container engine is: once for a run of the tests. */
import {
  GenericContainer,
  getContainerRuntimeClient,
  type StartedTestContainer,
} from 'testcontainers';
import type { Clock } from '../../devices/clock.ts';
import type { Random } from '../../devices/random.ts';
import type { InfluxAddress, KafkaAddress, ServerAddresses } from './addresses.ts';
import { untilAnswers } from './child.ts';
import { influxAnswers, setUpInflux1, setUpInflux2 } from './influx-setup.ts';
import { untilKafkaServes } from './kafka-probe.ts';
import { clusterSettings } from './kafka.ts';
import { choosePorts } from './ports.ts';

export interface Containers {
  readonly addresses: Required<ServerAddresses>;
  stop(): Promise<void>;
}

interface Engine {
  /** Where ports of its containers are. */
  readonly host: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly start: (container: GenericContainer) => Promise<StartedTestContainer>;
}

const influxPort = 8_086;

/** Rejects when there is no engine, or an image cannot be fetched; then none is left running. */
export async function startContainers(clock: Clock, random: Random): Promise<Containers> {
  const { host } = (await getContainerRuntimeClient()).info.containerRuntime;
  const started: StartedTestContainer[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((container) => container.stop()));
  };
  const engine: Engine = {
    host,
    clock,
    random,
    async start(container) {
      const running = await container.start();
      started.push(running);
      return running;
    },
  };
  try {
    const kafka = await startKafkaContainer(engine);
    const influx1 = await startInfluxContainer(engine, influx1Container(), setUpInflux1);
    const influx2 = await startInfluxContainer(engine, influx2Container(), setUpInflux2);
    return { addresses: { kafka, influx1, influx2 }, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * The broker tells its clients an address, which must hold outside the container: so the port outside
 * is chosen before. A second listener is for what it says to itself.
 */
async function startKafkaContainer({ host, clock, random, start }: Engine): Promise<KafkaAddress> {
  const [port = 0] = await choosePorts(random, 1);
  const settings = {
    ...clusterSettings(1),
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': '1@localhost:9094',
    listeners: 'PLAINTEXT://:9092,INTERNAL://localhost:9093,CONTROLLER://localhost:9094',
    'advertised.listeners': `PLAINTEXT://${host}:${port},INTERNAL://localhost:9093`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'INTERNAL',
    'controller.listener.names': 'CONTROLLER',
  };
  await start(
    new GenericContainer('apache/kafka:4.1.1')
      .withEnvironment(
        Object.fromEntries(
          // The image's own way to write a setting as a variable.
          Object.entries(settings).map(([key, value]) => [
            `KAFKA_${key.replaceAll('.', '_').toUpperCase()}`,
            `${value}`,
          ]),
        ),
      )
      .withExposedPorts({ container: 9_092, host: port }),
  );
  const brokers = [`${host}:${port}`];
  await untilKafkaServes(clock, brokers);
  return { brokers };
}

const influx1Container = (): GenericContainer =>
  new GenericContainer('influxdb:1.8').withEnvironment({
    INFLUXDB_REPORTING_DISABLED: 'true',
    INFLUXDB_HTTP_AUTH_ENABLED: 'true',
    INFLUXDB_HTTP_FLUX_ENABLED: 'true',
    INFLUXDB_DATA_INDEX_VERSION: 'tsi1',
  });

const influx2Container = (): GenericContainer =>
  new GenericContainer('influxdb:2.7').withEnvironment({ INFLUXD_REPORTING_DISABLED: 'true' });

async function startInfluxContainer(
  { host, clock, random, start }: Engine,
  container: GenericContainer,
  setUp: (url: string, random: Random) => Promise<InfluxAddress>,
): Promise<InfluxAddress> {
  const running = await start(container.withExposedPorts(influxPort));
  const url = `http://${host}:${running.getMappedPort(influxPort)}`;
  await untilAnswers(clock, `InfluxDB at ${url}`, () => influxAnswers(url));
  return setUp(url, random);
}
