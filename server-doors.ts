/** How commands of the world outside reach the running server: its addresses, and whom to trust there. */
import { readFileSync } from 'node:fs';
import { textFlag, type Command } from './command-line.ts';
import type { Configuration } from './configuration.ts';
import { askControl } from './control.ts';
import { pathsOf } from './data-folder.ts';
import { sleep, type Clock } from './devices/clock.ts';
import { startError } from './errors.ts';
import type { Addresses } from './server.ts';
import type { Api } from './simulators/load/answer.ts';
import { trustIn, type Trust } from './simulators/trust.ts';

export interface Doors {
  readonly host: string;
  /** The TLS door when a certificate was named and the server has that door. */
  readonly mqttPort: number;
  readonly mqttUrl: string;
  /** Undefined: plain MQTT. */
  readonly trust: Trust | undefined;
  readonly api: Api;
}

/** Of `--ca`. Throws SIMULATORS_CERTIFICATE_INVALID. Read before a server is looked for. */
export function trustOf(command: Command): Trust | undefined {
  const file = textFlag(command, 'ca');
  return file === undefined ? undefined : trustIn(file, readText);
}

/** Throws START_NOT_RUNNING, or START_USAGE where the certificate flag and the doors do not fit. */
export async function findDoors(
  configuration: Configuration,
  trust: Trust | undefined,
): Promise<Doors> {
  const { dataDir } = configuration;
  const asked = await askControl(pathsOf(dataDir).controlSocket, 'addresses', null);
  if (asked === undefined) throw startError('START_NOT_RUNNING', { dataDir });
  return doorsOf(configuration, asked.result as Addresses, trust);
}

export function doorsOf(
  { host: listening, api: { tlsCertificateFile }, simulators: { answerMs } }: Configuration,
  { mqttPort, mqttsPort, httpPort, isSecure }: Addresses,
  trust: Trust | undefined,
): Doors {
  if (trust !== undefined && mqttsPort === undefined && !isSecure)
    throw startError('START_USAGE', { flag: '--ca', problem: 'the server speaks no TLS' });
  const host = reachableHost(listening);
  const overTls = trust !== undefined && mqttsPort !== undefined;
  const port = overTls ? mqttsPort : mqttPort;
  // The server's own certificate is as good as its authority, where this command has its file.
  const own = () =>
    tlsCertificateFile === undefined ? undefined : trustIn(tlsCertificateFile, readText);
  return {
    host,
    mqttPort: port,
    mqttUrl: `${overTls ? 'mqtts' : 'mqtt'}://${inUrl(host)}:${port}`,
    trust: overTls ? trust : undefined,
    api: {
      url: `${isSecure ? 'https' : 'http'}://${inUrl(host)}:${httpPort}`,
      trust: isSecure ? (trust ?? own()) : undefined,
      answerMs,
    },
  };
}

const betweenAsksMs = 50;

/**
 * Waits until every reading that was logged is settled: what is behind is not missing. Asked on the
 * control socket, for `/metrics` answers loopback alone. Throws START_NOT_RUNNING.
 */
export async function untilSettled({ dataDir }: Configuration, clock: Clock): Promise<void> {
  for (;;) {
    const asked = await askControl(pathsOf(dataDir).controlSocket, 'balance', null);
    if (asked === undefined) throw startError('START_NOT_RUNNING', { dataDir });
    if ((asked.result as { readonly readingsInFlight: number }).readingsInFlight === 0) return;
    await sleep(clock, betweenAsksMs);
  }
}

/** A server that listens on all interfaces is reached on the machine itself. */
export function reachableHost(host: string | undefined): string {
  return host === undefined || host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
}

/** An IPv6 address stands in brackets (RFC 3986 §3.2.2). */
export function inUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

const readText = (file: string): string => readFileSync(file, 'utf8');
