import { errorsOf, type ErrorTable } from '../../../devices/coded-error.ts';

export const kafkaErrors = {
  KAFKA_UNREACHABLE: {
    message: 'Kafka does not answer.',
    meaning:
      'No server of `cluster.kafka.brokers` could be reached, or the one asked has no leader for the partition now. It is tried again; readings wait in the nodes’ own logs meanwhile.',
    canRetry: true,
  },
  KAFKA_REFUSED: {
    message: 'Kafka refuses what is asked.',
    meaning:
      'The reason is in the fields: a wrong user or password (`cluster.kafka.user`, `cluster.kafka.passwordFile`), missing rights, or a server too old. Mend it and start again.',
    canRetry: false,
  },
  KAFKA_FENCED: {
    message: 'Another process writes here now.',
    meaning:
      'Somebody opened the same transactional id later: a worker that took this partition over, or a second process with the same identity. What was not committed is decided there.',
    canRetry: false,
  },
  KAFKA_OUTCOME_UNKNOWN: {
    message: 'Kafka did not say whether a transaction was committed.',
    meaning:
      'The end of the partition is looked at, and the batch is offered again if it is not there.',
    canRetry: true,
  },
  KAFKA_LATE: {
    message: 'Kafka took too long to store a batch.',
    meaning:
      'It was taken back, since it would show as published at a moment that others have looked at already (`cluster.settleMs`), and is stored again as of now.',
    canRetry: true,
  },
  KAFKA_BATCH_DAMAGED: {
    message: 'Records of a partition cannot be read.',
    meaning:
      'Their checksum is wrong, or they are compressed in a way that is not known (of the ways gzip is). Other partitions go on; this one is asked for again until the server gives what was written: look at its disk, or let another replica lead.',
    canRetry: true,
  },
  KAFKA_OFFSET_GONE: {
    message: 'Kafka no longer has the record asked for.',
    meaning:
      'It was deleted by the retention of the topic before it was read. The positions are counted as unreadable; make the retention longer than any outage.',
    canRetry: false,
  },
  KAFKA_TOPIC_WRONG: {
    message: 'A topic is not as it must be.',
    meaning:
      'The fields name topic, setting, what it is and what it must be. Change the topic, or name others by `cluster.kafka.topicPrefix`. The number of partitions can never change.',
    canRetry: false,
  },
  KAFKA_SERVERS_TOO_FEW: {
    message: 'Kafka has fewer servers than copies are wanted.',
    meaning:
      'Topics cannot be created. The field `key` names the setting, `is` what is set: start the servers that are missing, or set it to at most as many as there are (and `cluster.kafka.minInsyncReplicas` to at most that). The node waits until then.',
    canRetry: true,
  },
  KAFKA_RECORD_TOO_LARGE: {
    message: 'A record is larger than its topic takes.',
    meaning: 'Raise `max.message.bytes` of the topic, or make the stretches of ingest smaller.',
    canRetry: false,
  },
} as const satisfies ErrorTable;

export type KafkaErrorCode = keyof typeof kafkaErrors;
export const kafkaError = errorsOf(kafkaErrors);
