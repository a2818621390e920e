import { errorsOf, type ErrorTable } from '../../../devices/coded-error.ts';

export const influxErrors = {
  INFLUX_UNREACHABLE: {
    message: 'InfluxDB does not answer.',
    meaning:
      'No answer from `url` in time, or the connection broke. It is tried again: points never change, so what was stored already is stored as it was.',
    canRetry: true,
  },
  INFLUX_BUSY: {
    message: 'InfluxDB cannot take what it is sent now.',
    meaning: 'The fields name its answer. It is tried again, after the time it asked for.',
    canRetry: true,
  },
  INFLUX_NOT_ALLOWED: {
    message: 'InfluxDB does not accept the token.',
    meaning:
      'Give by `token` or `tokenFile` a token that may read and write the bucket (1.8: `user:password`).',
    canRetry: false,
  },
  INFLUX_BUCKET_MISSING: {
    message: 'InfluxDB does not know the bucket.',
    meaning:
      'Create it without end of retention, or mend `org` and `bucket` (1.8: `database/retention-policy`).',
    canRetry: false,
  },
  INFLUX_RETENTION: {
    message: 'The bucket forgets what is old.',
    meaning: 'The view holds all that was observed: give the bucket a retention without end.',
    canRetry: false,
  },
  INFLUX_NEWER_FORMAT: {
    message: 'The view in InfluxDB was written by a newer version.',
    meaning: 'Start the newer version, or name another `measurement` to build another view.',
    canRetry: false,
  },
  INFLUX_LINES_REFUSED: {
    message: 'InfluxDB refuses many lines one by one.',
    meaning:
      'More than `refusedLinesMax` of one request: not a wrong line but a limit of the server, or another program’s fields in the bucket. The fields name the first reason. Nothing is left out: it is tried again until it is mended.',
    canRetry: true,
  },
  INFLUX_ANSWER: {
    message: 'InfluxDB answers something else than was asked.',
    meaning: 'The fields name the place. Another program may answer at `url`.',
    canRetry: false,
  },
  INFLUX_ANSWER_TOO_LARGE: {
    message: 'An answer of InfluxDB is longer than is taken.',
    meaning:
      'One series has more rows at one instant, or in the overflow, than fit into `answerBytesMax` or `overflowRowsMax`: raise them, or ask the log.',
    canRetry: false,
  },
  INFLUX_ROW: {
    message: 'A point in InfluxDB is no row of observations.',
    meaning: 'Another program wrote into the measurement: build the view again.',
    canRetry: false,
  },
  INFLUX_RECORD: {
    message: 'A record of observations is no batch.',
    meaning:
      'Another program wrote into the topic. Its partition waits there: move the noted offset behind it, or build the topic again.',
    canRetry: false,
  },
  INFLUX_TAG: {
    message: 'A tag must be an id of the registry.',
    meaning: 'The registry holds an id with other characters than letters, digits, “.”, “_”, “-”.',
    canRetry: false,
  },
  INFLUX_TOKEN_MISSING: {
    message: 'There is no token for InfluxDB.',
    meaning: 'Give `token` or `tokenFile`, and only one of them; the file must not be empty.',
    canRetry: false,
  },
  INFLUX_CLOSED: {
    message: 'The connection to InfluxDB was closed.',
    meaning: 'The process is stopping. What was not stored is written after the next start.',
    canRetry: false,
  },
} as const satisfies ErrorTable;

export const influxError = errorsOf(influxErrors);
