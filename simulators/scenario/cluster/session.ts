/** One MQTT connection of a device, by hand: whether it is let in, and until when it is kept. */
import { connect } from 'node:net';
import type { DeviceSecretOf } from '../../device.ts';
import { connectPacket, createAnswerParser, packetTypes } from '../../load/wire.ts';

export interface Session {
  readonly isOpen: boolean;
  /** Resolves when either side has closed it. */
  readonly closed: Promise<void>;
  close(): void;
}

const keepAliveSeconds = 120;

/**
 * Undefined where the broker refuses it, or it is closed before it was answered: a broker lets those
 * who failed to log in wait for the answer.
 */
export function openSession(
  port: number,
  secret: DeviceSecretOf,
  signal?: AbortSignal,
): Promise<Session | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    let isOpen = true;
    const closed = new Promise<void>((settle) => {
      socket.on('close', () => {
        isOpen = false;
        signal?.removeEventListener('abort', end);
        settle();
        resolve(undefined);
      });
    });
    const end = (): void => void socket.destroy();
    signal?.addEventListener('abort', end);
    // `close` follows.
    socket.on('error', () => undefined);
    socket.on('connect', () =>
      socket.write(connectPacket({ ...secret, cleanSession: true, keepAliveSeconds })),
    );
    const session: Session = {
      get isOpen() {
        return isOpen;
      },
      closed,
      close: end,
    };
    const parse = createAnswerParser((type, word) => {
      if (type !== packetTypes.connack) return;
      if ((word & 0xff) === 0) resolve(session);
      else socket.destroy();
    });
    socket.on('data', parse);
  });
}
