/** kafkajs' pool of connections, made so that it can be given up at once. */
import type { Socket } from 'node:net';
import KafkaJsCluster from 'kafkajs/src/cluster/index.js';
import createSocketFactory from 'kafkajs/src/network/socketFactory.js';

type Options = ConstructorParameters<typeof KafkaJsCluster>[0];

/**
 * Before kafkajs closes a connection it waits for what is under way on it, and while it waits no
 * request there runs out of time any more: where a server hangs, that is for ever. Here closing ends
 * what is under way: it rejects.
 */
export class Cluster extends KafkaJsCluster {
  readonly #sockets: OpenSockets;

  constructor(options: Omit<Options, 'socketFactory'>) {
    const sockets = createOpenSockets();
    super({ ...options, socketFactory: sockets.open });
    this.#sockets = sockets;
  }

  override async disconnect(): Promise<void> {
    this.#sockets.endAll();
    await super.disconnect();
  }

  override removeBroker(place: { readonly host: string; readonly port: number }): void {
    this.#sockets.endTo(place);
    super.removeBroker(place);
  }
}

type OpenSocket = ReturnType<typeof createSocketFactory>;

interface OpenSockets {
  readonly open: OpenSocket;
  endTo(place: { readonly host: string; readonly port: number }): void;
  /** And opens none any more. */
  endAll(): void;
}

function createOpenSockets(): OpenSockets {
  const openSocket = createSocketFactory();
  const sockets = new Map<Socket, string>();
  let isEnded = false;

  return {
    open(place) {
      if (isEnded) throw new Error('The connections to Kafka were closed.');
      const socket = openSocket(place);
      sockets.set(socket, `${place.host}:${place.port}`);
      socket.once('close', () => sockets.delete(socket));
      return socket;
    },
    endTo({ host, port }) {
      for (const [socket, place] of sockets) if (place === `${host}:${port}`) end(socket);
    },
    endAll() {
      isEnded = true;
      for (const socket of sockets.keys()) end(socket);
    },
  };
}

/** With an error: by that kafkajs learns of it. */
function end(socket: Socket): void {
  socket.destroy(new Error('The connection was given up.'));
}
