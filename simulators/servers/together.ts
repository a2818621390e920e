/** The servers of one run: those that were asked for, in one folder, with one list of addresses. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { InfluxAddress, ServerAddresses } from './addresses.ts';
import { controlTogether, type ServerControl } from './child.ts';
import { startInflux1, startInflux2, type Influx } from './influx.ts';
import { startKafka, type Kafka } from './kafka.ts';
import type { StartOptions } from './start-options.ts';

export const serverNames = ['kafka', 'influx1', 'influx2'] as const;
export type ServerName = (typeof serverNames)[number];

export interface TogetherOptions extends StartOptions {
  readonly servers: readonly ServerName[];
  /** 1 when absent. */
  readonly kafkaNodes?: 1 | 3;
  /** The first of consecutive ports: brokers, then InfluxDB 1.8, then 2.7. Absent: free ones. */
  readonly portsFrom?: number;
}

export interface Together extends ServerControl {
  readonly kafka: Kafka | undefined;
  readonly influx1: Influx | undefined;
  readonly influx2: Influx | undefined;
  readonly addresses: ServerAddresses;
}

/** Starts them one after another: each installation and each start wants all cores for itself. */
export async function startTogether(options: TogetherOptions): Promise<Together> {
  const { servers, kafkaNodes = 1 } = options;
  const started: ServerControl[] = [];
  async function start<Server extends ServerControl>(
    name: ServerName,
    starting: (folder: string) => Promise<Server>,
  ): Promise<Server | undefined> {
    if (!servers.includes(name)) return undefined;
    const folder = join(options.folder, name);
    mkdirSync(folder);
    const server = await starting(folder);
    started.push(server);
    return server;
  }
  try {
    const kafka = await start('kafka', (folder) =>
      startKafka({ ...options, folder, nodes: kafkaNodes, ...portsOf(options, 0, kafkaNodes) }),
    );
    const influx1 = await start('influx1', (folder) =>
      startInflux1({ ...options, folder, ...portsOf(options, kafkaNodes) }),
    );
    const influx2 = await start('influx2', (folder) =>
      startInflux2({ ...options, folder, ...portsOf(options, kafkaNodes + 1) }),
    );
    const addresses = {
      ...(kafka && { kafka: { brokers: kafka.brokers } }),
      ...(influx1 && { influx1: addressOf(influx1) }),
      ...(influx2 && { influx2: addressOf(influx2) }),
    };
    return { ...controlTogether(started), kafka, influx1, influx2, addresses };
  } catch (error) {
    await controlTogether(started).kill();
    throw error;
  }
}

/** Known ports, when they were asked for: `count` of them from this place on. */
function portsOf({ portsFrom }: TogetherOptions, place: number, count = 1) {
  if (portsFrom === undefined) return {};
  return { ports: Array.from({ length: count }, (_, nth) => portsFrom + place + nth) };
}

const addressOf = ({ url, token, org, bucket }: Influx): InfluxAddress => ({
  url,
  token,
  org,
  bucket,
});
