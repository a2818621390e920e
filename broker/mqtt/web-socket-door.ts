/**
 * The door for MQTT over WebSocket (npm `ws`). Loaded when the TCP door is open: HTTP takes as long to
 * load as all of MQTT, and most devices do not speak it.
 */
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server as HttpServer,
} from 'node:http';
import { WebSocketServer } from 'ws';
import { openDoor, type Door, type DoorOptions } from './listeners.ts';
import { openWebSocketTransport } from './transport.ts';

const webSocketPath = '/mqtt';
const subprotocol = 'mqtt';

export async function openWebSocketDoor(options: DoorOptions): Promise<Door> {
  const { config } = options;
  const server: HttpServer = createHttpServer(
    {
      requestTimeout: config.connectTimeoutMs,
      headersTimeout: config.connectTimeoutMs,
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: config.connectBytesMax * 2,
    },
    (_request, response) => {
      response.writeHead(426, { connection: 'close' }).end();
    },
  );
  const sockets = new WebSocketServer({
    noServer: true,
    path: webSocketPath,
    maxPayload: config.packetBytesMax,
    perMessageDeflate: false,
    // MQTT-6.0.0-3, MQTT-6.0.0-4: the subprotocol is `mqtt`, and a client offers it.
    verifyClient: ({ req }: { req: IncomingMessage }) =>
      offeredProtocols(req.headers['sec-websocket-protocol']).includes(subprotocol),
    handleProtocols: () => subprotocol,
  });
  server.on('upgrade', (request, socket, head) => {
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      openWebSocketTransport(webSocket, request.socket.remoteAddress ?? '', options.connected);
    });
  });
  return openDoor(server, 'websocket', options);
}

function offeredProtocols(header: string | undefined): string[] {
  return (header ?? '').split(',').map((each) => each.trim());
}
