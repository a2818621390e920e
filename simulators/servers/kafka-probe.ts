/**
 * Asks a Kafka server whether it serves, in the few bytes of its protocol that this takes: a client
 * library would be one more that must be right for the answer to be.
 * https://kafka.apache.org/41/design/protocol/
 */
import { connect } from 'node:net';
import type { Clock } from '../../devices/clock.ts';
import { untilAnswers } from './child.ts';

export interface KafkaMetadata {
  /** Numbers of the nodes that are up, as this one sees it. */
  readonly nodes: readonly number[];
  /** −1 while there is none. */
  readonly controller: number;
}

interface KafkaRequest {
  readonly key: number;
  readonly version: number;
  readonly body: Buffer;
}

/** A node that is silent for so long does not answer. */
const silenceMs = 2_000;
const frameBytesMax = 1 << 20;

/** Metadata, version 5: of no topic. */
export async function readMetadata(broker: string): Promise<KafkaMetadata> {
  const noTopics = Buffer.alloc(5);
  const answer = openAnswer(await ask(broker, { key: 3, version: 5, body: noTopics }));
  answer.int32(); // Throttle time, milliseconds.
  const nodes = Array.from({ length: answer.int32() }, () => {
    const node = answer.int32();
    answer.text(); // Host.
    answer.int32(); // Port.
    answer.text(); // Rack.
    return node;
  });
  answer.text(); // Id of the cluster.
  return { nodes, controller: answer.int32() };
}

/**
 * FindCoordinator, version 1. Asking makes the topic that coordinators keep their state in, which on a
 * fresh cluster takes seconds that the first client would spend on errors.
 */
async function hasCoordinator(broker: string, kind: 'group' | 'transaction'): Promise<boolean> {
  const key = Buffer.from('quantrac-probe');
  const body = Buffer.concat([
    Buffer.from([0, key.length]),
    key,
    Buffer.from([kind === 'group' ? 0 : 1]),
  ]);
  const answer = openAnswer(await ask(broker, { key: 10, version: 1, body }));
  answer.int32(); // Throttle time, milliseconds.
  return answer.int16() === 0;
}

/** Resolves once every node sees all of them, and coordinators of groups and transactions are there. */
export function untilKafkaServes(clock: Clock, brokers: readonly string[]): Promise<void> {
  return untilAnswers(clock, `Kafka at ${brokers.join(', ')}`, async () => {
    const seen = await Promise.all(brokers.map(readMetadata));
    if (seen.some(({ nodes }) => nodes.length < brokers.length)) return false;
    const first = brokers[0] ?? '';
    return (await hasCoordinator(first, 'group')) && (await hasCoordinator(first, 'transaction'));
  });
}

/** The answer's body, behind its correlation. */
function ask(broker: string, request: KafkaRequest): Promise<Buffer> {
  const { hostname, port } = new URL(`kafka://${broker}`);
  const header = Buffer.alloc(14);
  header.writeInt32BE(10 + request.body.length, 0);
  header.writeInt16BE(request.key, 4);
  header.writeInt16BE(request.version, 6);
  header.writeInt32BE(1, 8); // Correlation.
  header.writeInt16BE(-1, 12); // No name of the client.
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port) });
    let received = Buffer.alloc(0);
    socket.setTimeout(silenceMs, () => socket.destroy(new Error(`${broker} is silent`)));
    socket.once('connect', () => socket.write(Buffer.concat([header, request.body])));
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 8) return;
      const frameBytes = received.readInt32BE(0);
      if (frameBytes > frameBytesMax) socket.destroy(new Error(`${broker} does not speak Kafka`));
      if (received.length < 4 + frameBytes) return;
      resolve(received.subarray(8, 4 + frameBytes));
      socket.destroy();
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error(`${broker} closed the connection`)));
  });
}

function openAnswer(bytes: Buffer) {
  let at = 0;
  const int16 = (): number => bytes.readInt16BE((at += 2) - 2);
  const int32 = (): number => bytes.readInt32BE((at += 4) - 4);
  return {
    int16,
    int32,
    /** Length −1 stands for none. */
    text(): string {
      const length = Math.max(0, int16());
      return bytes.toString('utf8', at, (at += length));
    },
  };
}
