import { connect, type Socket } from 'node:net';
import { anonymousConnect, createAnswerParser } from '../load/wire.ts';

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
