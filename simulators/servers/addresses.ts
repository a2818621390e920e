/**
 * Where the real servers are. Test suites ask vitest for it, from any room:
 *
 *     const { kafka, absent } = inject('realServers');
 *     describe.skipIf(kafka === undefined)(`the log on Kafka${kafka === undefined ? absent : ''}`, …)
 *
 * `global-setup.ts` provides it: the servers that the environment names, else those of a container
 * engine, else none and the reason why.
 */
import { simulatorsError } from '../errors.ts';

export interface KafkaAddress {
  /** `host:port` of each node. */
  readonly brokers: readonly string[];
}

/** As a client of InfluxDB's v2 API needs it; version 1.8 understands it too. */
export interface InfluxAddress {
  readonly url: string;
  readonly token: string;
  readonly org: string;
  readonly bucket: string;
}

export interface ServerAddresses {
  readonly kafka?: KafkaAddress;
  /** Version 1.8. */
  readonly influx1?: InfluxAddress;
  /** Version 2.7. */
  readonly influx2?: InfluxAddress;
}

export interface RealServers extends ServerAddresses {
  /** For the names of suites that are skipped: ` (skipped: …)`. */
  readonly absent: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    readonly realServers: RealServers;
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

const influxPrefixes = { influx1: 'INFLUX1', influx2: 'INFLUX' } as const;

/** Throws SIMULATORS_SERVERS_INCOMPLETE when a server is named by halves. */
export function readAddresses(environment: Environment): ServerAddresses {
  const brokers = environment['KAFKA_BROKERS'];
  const influx1 = readInflux(environment, influxPrefixes.influx1);
  const influx2 = readInflux(environment, influxPrefixes.influx2);
  return {
    ...(brokers ? { kafka: { brokers: brokers.split(',') } } : {}),
    ...(influx1 && { influx1 }),
    ...(influx2 && { influx2 }),
  };
}

/** As variables of the environment, which `readAddresses` reads. */
export function writeAddresses(addresses: ServerAddresses): Record<string, string> {
  const { kafka, influx1, influx2 } = addresses;
  return {
    ...(kafka && { KAFKA_BROKERS: kafka.brokers.join(',') }),
    ...(influx2 && writeInflux(influx2, influxPrefixes.influx2)),
    ...(influx1 && writeInflux(influx1, influxPrefixes.influx1)),
  };
}

function readInflux(environment: Environment, prefix: string): InfluxAddress | undefined {
  const read = (name: string): string => environment[`${prefix}_${name}`] ?? '';
  if (read('URL') === '') return undefined;
  const missing = ['TOKEN', 'ORG', 'BUCKET'].filter((name) => read(name) === '');
  if (missing.length > 0)
    throw simulatorsError('SIMULATORS_SERVERS_INCOMPLETE', {
      missing: missing.map((name) => `${prefix}_${name}`),
    });
  return { url: read('URL'), token: read('TOKEN'), org: read('ORG'), bucket: read('BUCKET') };
}

function writeInflux(address: InfluxAddress, prefix: string): Record<string, string> {
  const { url, token, org, bucket } = address;
  return {
    [`${prefix}_URL`]: url,
    [`${prefix}_TOKEN`]: token,
    [`${prefix}_ORG`]: org,
    [`${prefix}_BUCKET`]: bucket,
  };
}
