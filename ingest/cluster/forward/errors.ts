import { errorsOf, type ErrorTable } from '../../../devices/coded-error.ts';

export const forwardErrors = {
  FORWARD_STATE_DAMAGED: {
    message: 'The note of how far Kafka has the log of readings cannot be read',
    meaning:
      'The disk damaged the file that the field `path` names. Remove it. Without `forward.state` the kept readings are sent again from the oldest on, and those that are known are dropped; without `forward.start` nothing is.',
    canRetry: false,
  },
  FORWARD_STATE_OTHER: {
    message: 'The data folder belongs to another place in the cluster',
    meaning:
      'The field `key` names the setting, `is` what is set and `mustBe` what this folder was used with: readings are known by it. Set it back. A node that is to have another number begins with an empty folder.',
    canRetry: false,
  },
  FORWARD_LOG_SHORTENED: {
    message: 'The log of readings ends before what was sent of it',
    meaning:
      'The folder was put back from an older copy: Kafka knows the node’s readings up to `sent`, the log ended at `end` when this node was started. New readings would take the positions of others and be dropped as known, so nothing was sent. Begin with an empty folder and a new `cluster.node`; never start this copy again. What it took in while Kafka was away is in it alone: let the devices send that again.',
    canRetry: false,
  },
  FORWARD_NOT_REPLICATED: {
    message: 'Kafka does not have the decision in time.',
    meaning:
      'With `cluster.ack` replicated a decision counts once Kafka has it. It is in the log of this node, and is carried out when Kafka has taken it; made again it does no harm, the second finds nothing to do.',
    canRetry: true,
  },
} as const satisfies ErrorTable;

export const forwardError = errorsOf(forwardErrors);
