import { connect, type Socket } from 'node:net';
import { createAnswerParser } from '../load/wire.ts';

/** An anonymous CONNECT (MQTT 3.1.1, clean session, keep-alive 20 min): a reader that stays idle. */
function anonymousConnect(clientId: string): Buffer {
  const id = Buffer.from(clientId);
  const head = Buffer.from([
    0,
    4,
    0x4d,
    0x51,
    0x54,
    0x54,
    4,
    2,
    4,
    0xb0,
    id.length >> 8,
    id.length & 0xff,
  ]);
  return Buffer.concat([Buffer.from([0x10, head.length + id.length]), head, id]);
}

/** Opens `count` connections that then say nothing; resolves once all are accepted. */
export async function openIdle(port: number, count: number): Promise<() => void> {
  const sockets: Socket[] = [];
  const openOne = (index: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port });
      sockets.push(socket);
      socket.once('error', reject);
      socket.on('connect', () => socket.write(anonymousConnect(`idle-${index}`)));
      socket.on(
        'data',
        createAnswerParser((_type, word) =>
          word === 0 ? resolve() : reject(new Error(`CONNACK ${word}`)),
        ),
      );
    });
  for (let from = 0; from < count; from += 100) {
    await Promise.all(
      Array.from({ length: Math.min(100, count - from) }, (_, index) => openOne(from + index)),
    );
  }
  return () => {
    for (const socket of sockets) socket.destroy();
  };
}
