import { errorsOf, type ErrorTable } from '../../../devices/coded-error.ts';

export const clusterRegistryErrors = {
  CLUSTER_REGISTRY_AWAY: {
    message: 'The registry cannot be changed while Kafka does not answer.',
    meaning: 'Nothing was changed on any node. Do it again when Kafka is back.',
    canRetry: true,
  },
  CLUSTER_REGISTRY_BUSY: {
    message: 'Others kept changing the registry at the same time.',
    meaning: 'Nothing was changed on any node. Do it again.',
    canRetry: true,
  },
  CLUSTER_REGISTRY_UNCERTAIN: {
    message: 'Kafka went away before it said whether the registry was changed.',
    meaning:
      'When Kafka is back, the history of the registry tells: the version named is there, or nothing was changed. A secret made by it was not shown: make another, and revoke what you do not know.',
    canRetry: true,
  },
  CLUSTER_REGISTRY_NEWER: {
    message: 'The registry of the cluster was written by a newer version of the product.',
    meaning:
      'This node stopped and has lost nothing. Install the newer version on every node before the first one changes the registry.',
    canRetry: false,
  },
  CLUSTER_REGISTRY_BROKEN: {
    message: 'The topic of the registry holds what is no part of it.',
    meaning:
      'Offset and reason are in the fields. The topic was written from outside, or lost records. Restore it, or begin a new cluster (`cluster.kafka.topicPrefix`) and import there what a node exports.',
    canRetry: false,
  },
  CLUSTER_REGISTRY_OTHER: {
    message: 'This node holds the registry of another cluster.',
    meaning:
      'Its data folder was used with other topics, or the topics were made anew. Correct `cluster.kafka.brokers` or `cluster.kafka.topicPrefix`, or give the node an empty data folder.',
    canRetry: false,
  },
  CLUSTER_PARTITIONS_FIXED: {
    message: 'The number of partitions of a cluster never changes.',
    meaning: 'Set the key named to the number that the cluster was made with.',
    canRetry: false,
  },
  CLUSTER_NODE_TAKEN: {
    message: 'Another node has this number.',
    meaning:
      'Each data folder has a number of its own, for ever; the fields name the machine that claimed this one. Set the key named to another number: nothing was sent yet.',
    canRetry: false,
  },
  CLUSTER_NODE_REPLACED: {
    message: 'Another process took the number of this node over.',
    meaning:
      'A second process runs on a copy of this data folder; this one stops so that nothing is sent twice. Stop the copy, or give it an empty data folder and another `cluster.node`.',
    canRetry: false,
  },
} as const satisfies ErrorTable;

export const clusterRegistryError = errorsOf(clusterRegistryErrors);
