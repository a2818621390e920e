import { z } from 'zod';

const port = z.int().min(0).max(65_535);

/** Everything about the doors that an operator may set. `npm run config` prints it. */
export const brokerConfigSchema = z.strictObject({
  host: z
    .string()
    .min(1)
    .default('::')
    .describe(
      'Address that the doors listen on. An address that is not of this machine stops the start.',
    ),
  mqttPort: port
    .default(1883)
    .describe('MQTT over TCP; 0 picks a free one. A port in use stops the start.'),
  mqttsPort: port
    .default(8883)
    .describe('MQTT over TLS, opened when certificate files are given; 0 picks a free one.'),
  mqttWsPort: port
    .default(8083)
    .describe(
      'MQTT over WebSocket, path /mqtt; 0 picks a free one. A port in use stops the start.',
    ),
  tlsCertificateFile: z
    .string()
    .optional()
    .describe('PEM file of the certificate chain. Without it MQTT over TLS stays closed.'),
  tlsKeyFile: z
    .string()
    .optional()
    .describe('PEM file of the key that belongs to the certificate. Needed with the certificate.'),
  tlsClientCertificates: z
    .enum(['off', 'optional', 'required'])
    .default('off')
    .describe(
      'Whether a device may (or must) prove itself by a certificate whose SHA-256 fingerprint is pinned in the registry. Required: a connection without one is refused.',
    ),
  tlsReloadMs: z
    .int()
    .min(100)
    .max(3_600_000)
    .default(5_000)
    .describe(
      'How often changed certificate files are looked for. A bad pair is reported and the old one stays.',
    ),
  anonymousPublish: z
    .enum(['never', 'demo'])
    .default('never')
    .describe(
      'demo: a client on this machine may publish for any device without a secret. For --demo only; from any other address it stays refused.',
    ),
  connectionsMax: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(20_000)
    .describe(
      'Open connections of all doors together. Beyond it a new one is closed at once and counted.',
    ),
  connectionRateMax: z
    .int()
    .min(1)
    .max(100_000)
    .default(5_000)
    .describe(
      'New connections per second in the long run. Beyond it, and its burst, a new one is closed and counted.',
    ),
  connectionBurstMax: z
    .int()
    .min(1)
    .max(100_000)
    .default(10_000)
    .describe('New connections at once before the rate applies.'),
  connectTimeoutMs: z
    .int()
    .min(100)
    .max(60_000)
    .default(10_000)
    .describe(
      'Time for a whole CONNECT (and the TLS or WebSocket handshake). Later the connection is cut.',
    ),
  connectBytesMax: z
    .int()
    .min(256)
    .max(65_536)
    .default(4_096)
    .describe('Bytes of a CONNECT packet. A longer one is cut before it is buffered.'),
  packetBytesMax: z
    .int()
    .min(1_024)
    .max(16_777_216)
    .default(65_536)
    .describe(
      'Bytes of any other packet, by its fixed header. A longer one is cut before it is buffered.',
    ),
  topicLevelsMax: z
    .int()
    .min(4)
    .max(100)
    .default(10)
    .describe(
      'Levels of a topic or filter. A deeper PUBLISH is cut, a deeper filter is refused with 0x80.',
    ),
  topicBytesMax: z
    .int()
    .min(64)
    .max(65_535)
    .default(256)
    .describe(
      'Bytes of a topic or filter. A longer PUBLISH is cut, a longer filter is refused with 0x80.',
    ),
  keepAliveSecondsMax: z
    .int()
    .min(10)
    .max(65_535)
    .default(1_200)
    .describe(
      'Longest keep-alive that is granted; a longer one, or none, is treated as this. 1.5 times of silence is cut.',
    ),
  inflightMax: z
    .int()
    .min(1)
    .max(10_000)
    .default(100)
    .describe(
      'Messages of one connection, in either direction, that wait for their acknowledgement. At it the connection is not read until some are acknowledged.',
    ),
  unreleasedMax: z
    .int()
    .min(1)
    .max(65_535)
    .default(1_000)
    .describe(
      'QoS 2 messages of one session that wait for their PUBREL. Beyond it the connection is cut.',
    ),
  subscriptionsMax: z
    .int()
    .min(1)
    .max(10_000)
    .default(10)
    .describe('Subscriptions of one session. A further one is refused with 0x80.'),
  sessionsOfflineMax: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(20_000)
    .describe(
      'Sessions kept for clients that are away. Beyond it the one that is away longest ends.',
    ),
  sessionOfflineSeconds: z
    .int()
    .min(1)
    .max(31_536_000)
    .default(86_400)
    .describe('How long a session is kept for a client that is away; afterwards it ends.'),
  queueMessagesMax: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(1_000)
    .describe(
      'QoS 1 messages that wait for one client. At it the oldest is dropped while the client is away and counted; a connected client is cut.',
    ),
  queueBytesMax: z
    .int()
    .min(1_024)
    .max(1_073_741_824)
    .default(1_048_576)
    .describe(
      'Bytes that wait for one client, in its queue and unsent on its socket each. At it QoS 0 messages are dropped and counted, QoS 1 as with queueMessagesMax.',
    ),
  slowSubscriberMs: z
    .int()
    .min(100)
    .max(600_000)
    .default(5_000)
    .describe(
      'How long a client may take nothing of what waits for it. Then it is cut; one with QoS 0 alone after twice this.',
    ),
  retainedMessagesMax: z
    .int()
    .min(1)
    .max(10_000_000)
    .default(100_000)
    .describe(
      'Retained messages of devices. Beyond it a new one is delivered but not retained, and counted.',
    ),
  retainedBytesMax: z
    .int()
    .min(1_024)
    .max(1_099_511_627_776)
    .default(67_108_864)
    .describe('Bytes of all retained messages. Beyond it as with retainedMessagesMax.'),
  failedLoginsPerMinuteMax: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(5)
    .describe(
      'Failed logins of one address in a minute. Further failures are answered later and later; a right secret is never held back.',
    ),
  failedLoginDelayMsMax: z
    .int()
    .min(0)
    .max(300_000)
    .default(30_000)
    .describe('Longest delay of the answer to a failed login; 0 answers at once.'),
  heldLoginsMax: z
    .int()
    .min(0)
    .max(100_000)
    .default(1_000)
    .describe('Failed logins held back at once. Beyond it they are closed without an answer.'),
  logStallMsMax: z
    .int()
    .min(100)
    .max(600_000)
    .default(10_000)
    .describe(
      'How long a reading may wait for the log. Beyond it its connection is cut, so that the device tries again.',
    ),
  changesFollowersMax: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(2_000)
    .describe(
      'Subscriptions to open/v1/_changes/… at once. A further one is refused with 0x80 and counted.',
    ),
  changesFollowersKeylessMax: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(1_400)
    .describe(
      'Subscriptions to open/v1/_changes/… of clients without a key at once. What changesFollowersMax is more is left to keys.',
    ),
  changesFollowersPerClientMax: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(100)
    .describe(
      'Subscriptions to open/v1/_changes/… at once with one key, or without a key from one address or /56. A further one is refused with 0x80; one that a kept session brings back waits.',
    ),
  changesBufferBytesMax: z
    .int()
    .min(1_024)
    .max(67_108_864)
    .default(262_144)
    .describe(
      'Bytes of changes that wait for one subscription. At it the subscription reads on from the log once they are taken.',
    ),
  changesCatchUpsMax: z
    .int()
    .min(1)
    .max(10_000)
    .default(2)
    .describe(
      'Subscriptions that read the log for changes at once; others wait their turn, so that devices need not.',
    ),
  changesCatchUpBytesPerSecond: z
    .int()
    .min(65_536)
    .max(10_737_418_240)
    .default(4_194_304)
    .describe(
      'Bytes of the log that all subscriptions to changes together read in a second to catch up; they wait at it, so that devices need not.',
    ),
  changesHeartbeatMs: z
    .int()
    .min(1_000)
    .max(3_600_000)
    .default(60_000)
    .describe('A quiet subscription to changes is told its cursor so often.'),
  accessCountersMax: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(10_000)
    .describe(
      'Different subscriptions of keys to open/… whose messages are counted for the access log at once; at it those of further ones are not, and counted as dropped.',
    ),
  accessFileBytesMax: z
    .int()
    .min(1_024)
    .max(10_737_418_240)
    .default(67_108_864)
    .describe(
      'Bytes of a day of the access log that a node of the role broker keeps in its folder `access`; what is over is not written, and counted as dropped.',
    ),
  systemTopicsMs: z
    .int()
    .min(1_000)
    .max(3_600_000)
    .default(10_000)
    .describe('How often the topics under $SYS are renewed while an operator subscribes to them.'),
});

export type BrokerConfig = z.infer<typeof brokerConfigSchema>;
