import { errorsOf, type ErrorTable } from '../devices/coded-error.ts';

export const brokerErrors = {
  BROKER_PORT_IN_USE: {
    message: 'The port is in use by another program.',
    meaning:
      'Stop the other program, or set another port (the field `key` names the setting; 0 picks a free one).',
    canRetry: true,
  },
  BROKER_LISTEN_FAILED: {
    message: 'The door cannot listen on this address.',
    meaning:
      'The address is not of this machine, or the port needs a right that the process lacks.',
    canRetry: false,
  },
  BROKER_TLS_INCOMPLETE: {
    message: 'TLS needs a certificate file and a key file.',
    meaning: 'Set both tlsCertificateFile and tlsKeyFile, or neither.',
    canRetry: false,
  },
  BROKER_TLS_FILE_UNREADABLE: {
    message: 'A certificate file cannot be read.',
    meaning: 'The file is missing or the process may not read it.',
    canRetry: true,
  },
  BROKER_TLS_PAIR_INVALID: {
    message: 'Certificate and key do not make a pair.',
    meaning: 'One of the files is not PEM, or the key belongs to another certificate.',
    canRetry: true,
  },
  BROKER_PROTOCOL_VIOLATED: {
    message: 'The packet breaks a rule of MQTT 3.1.1.',
    meaning:
      'The connection was closed; the field `rule` names the rule. The client has to be mended.',
    canRetry: false,
  },
  BROKER_NOT_REPLICATED: {
    message: 'Kafka does not have the reading in time.',
    meaning:
      'With `cluster.ack` replicated nothing is acknowledged while Kafka is away. Devices keep their readings and send them again; it goes on by itself once Kafka has caught up.',
    canRetry: true,
  },
  BROKER_REPLICATION_FULL: {
    message: 'Too many readings wait for Kafka.',
    meaning:
      'At twice `cluster.forward.ackPendingMax` a reading is refused and not kept: its device sends it again.',
    canRetry: true,
  },
} as const satisfies ErrorTable;

export const brokerError = errorsOf(brokerErrors);
