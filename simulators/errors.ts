import { errorsOf, type ErrorTable } from '../devices/coded-error.ts';

export const simulatorsErrors = {
  SIMULATORS_CONNECT_FAILED: {
    message: 'A simulated device cannot connect.',
    meaning:
      'The server refused it, its certificate is not trusted, or nothing listens there. Name the address with --host, and the certificate or its authority with --ca.',
    canRetry: true,
  },
  SIMULATORS_CREDENTIAL_MISSING: {
    message: 'A simulated device has no credential.',
    meaning: 'The registry gave no secret for the device named: provision it.',
    canRetry: false,
  },
  SIMULATORS_CERTIFICATE_INVALID: {
    message: 'A certificate file cannot be used.',
    meaning: 'The file named cannot be read, or does not begin with a certificate in PEM.',
    canRetry: false,
  },
  SIMULATORS_PACKET_UNEXPECTED: {
    message: 'The server sent what a publisher of the load does not take.',
    meaning: 'Only acknowledgements are expected: the address is not a server of MQTT 3.1.1.',
    canRetry: false,
  },
  SIMULATORS_PROFILE_INVALID: {
    message: 'The profile is not as it must be.',
    meaning: '`problem` names each wrong key. simulators/profiles holds profiles that are right.',
    canRetry: false,
  },
  SIMULATORS_RECORDS_INVALID: {
    message: 'The file of records is not as its profile says.',
    meaning: '`problem` names the column or the line: mend the file, or give another profile.',
    canRetry: false,
  },
  SIMULATORS_API_FAILED: {
    message: 'The API did not answer as it must.',
    meaning:
      'The audit could not be made: `problem` says why. The server may have ended, or its certificate is not trusted (--ca).',
    canRetry: true,
  },
  SIMULATORS_INSTALL_FAILED: {
    message: 'A server for tests cannot be installed.',
    meaning:
      'The command named failed; `output` is how it ended. Kafka needs java 17 and mvn, InfluxDB go, InfluxDB 2.7 also a C compiler and stable Rust, each with its registry configured.',
    canRetry: true,
  },
  SIMULATORS_SERVER_ENDED: {
    message: 'A server for tests ended before it answered.',
    meaning: '`ending` says how and `log` is the end of what it wrote.',
    canRetry: true,
  },
  SIMULATORS_SERVER_SILENT: {
    message: 'A server for tests does not answer.',
    meaning: 'It was started and given two minutes; the cause is what the last question met.',
    canRetry: true,
  },
  SIMULATORS_SERVERS_INCOMPLETE: {
    message: 'The environment names a server for tests by halves.',
    meaning:
      '`missing` names the variables that belong to those that are set. `.ci/servers` writes all of them.',
    canRetry: false,
  },
} as const satisfies ErrorTable;

export const simulatorsError = errorsOf(simulatorsErrors);
