/**
 * The parts of kafkajs 2.2.4 below its public consumer, as its sources have them: a partition read
 * from an offset of our choosing, a group's offsets noted without being a member. The version is
 * pinned exactly; `kafka.contract.ts` runs over all of it against a real server.
 */
declare module 'kafkajs/src/cluster/index.js' {
  import type { Logger } from 'kafkajs';

  export interface NodeConnection {
    readonly connectionPool: {
      readonly host: string;
      readonly port: number;
      send<Answer>(request: {
        readonly request: {
          readonly apiKey: number;
          readonly apiVersion: number;
          readonly apiName: string;
          /** Absent: it is answered. */
          readonly expectResponse?: () => boolean;
          readonly encode: () => Promise<{ readonly buf: Buffer; readonly buffer: Buffer }>;
        };
        readonly response: {
          readonly decode: (bytes: Buffer) => Promise<Answer>;
          readonly parse: (answer: Answer) => Promise<Answer>;
        };
      }): Promise<Answer>;
    };
    initProducerId(request: {
      readonly transactionalId: string | null;
      readonly transactionTimeout: number;
    }): Promise<{ readonly producerId: string; readonly producerEpoch: number }>;
    offsetCommit(request: {
      readonly groupId: string;
      readonly groupGenerationId: number;
      readonly memberId: string;
      readonly topics: readonly {
        readonly topic: string;
        readonly partitions: readonly {
          readonly partition: number;
          readonly offset: string;
          readonly metadata: string;
        }[];
      }[];
    }): Promise<unknown>;
    offsetFetch(request: {
      readonly groupId: string;
      readonly topics: readonly {
        readonly topic: string;
        readonly partitions: readonly { readonly partition: number }[];
      }[];
    }): Promise<{
      readonly responses: readonly {
        readonly topic: string;
        readonly partitions: readonly {
          readonly partition: number;
          readonly offset: string;
          readonly metadata: string | null;
        }[];
      }[];
    }>;
  }

  export default class Cluster {
    constructor(options: {
      readonly logger: Logger;
      readonly socketFactory: unknown;
      readonly brokers: readonly string[];
      readonly clientId: string;
      readonly connectionTimeout: number;
      readonly requestTimeout: number;
      readonly enforceRequestTimeout: boolean;
      readonly authenticationTimeout: number;
      readonly reauthenticationThreshold: number;
      readonly metadataMaxAge: number;
      readonly allowAutoTopicCreation: boolean;
      readonly maxInFlightRequests: number | null;
      readonly isolationLevel: number;
      readonly retry: object;
      readonly ssl?: unknown;
      readonly sasl?: unknown;
    });
    connect(): Promise<void>;
    disconnect(): Promise<void>;
    isConnected(): boolean;
    addMultipleTargetTopics(topics: readonly string[]): Promise<void>;
    refreshMetadata(): Promise<void>;
    refreshMetadataIfNecessary(): Promise<void>;
    findLeaderForPartitions(
      topic: string,
      partitions: readonly number[],
    ): Readonly<Record<string, readonly number[]>>;
    findTopicPartitionMetadata(topic: string): readonly { readonly partitionId: number }[];
    findControllerBroker(): Promise<NodeConnection>;
    findBroker(place: { readonly nodeId: string }): Promise<NodeConnection>;
    findGroupCoordinator(group: { readonly groupId: string }): Promise<NodeConnection>;
    removeBroker(place: { readonly host: string; readonly port: number }): void;
    fetchTopicsOffset(
      topics: readonly {
        readonly topic: string;
        readonly partitions: readonly { readonly partition: number }[];
        readonly fromBeginning: boolean;
      }[],
    ): Promise<
      readonly {
        readonly topic: string;
        readonly partitions: readonly { readonly partition: number; readonly offset: string }[];
      }[]
    >;
  }
}

declare module 'kafkajs/src/protocol/error.js' {
  const errors: { readonly createErrorFromCode: (code: number) => Error };
  export default errors;
}

declare module 'kafkajs/src/protocol/requests/produce/v7/response.js' {
  const response: {
    readonly decode: (bytes: Buffer) => Promise<{
      readonly topics: readonly {
        readonly topicName: string;
        readonly partitions: readonly {
          readonly partition: number;
          readonly errorCode: number;
          readonly baseOffset: string;
          /** Milliseconds; -1 where the topic keeps the sender's time. */
          readonly logAppendTime: string;
        }[];
      }[];
    }>;
  };
  export default response;
}

declare module 'kafkajs/src/protocol/decoder.js' {
  export default class Decoder {
    constructor(bytes: Buffer);
    readonly offset: number;
    readInt16(): number;
    readInt32(): number;
    readString(): string | null;
    forward(bytes: number): void;
  }
}

declare module 'kafkajs/src/protocol/recordBatch/v0/decoder.js' {
  import type Decoder from 'kafkajs/src/protocol/decoder.js';

  const decodeBatch: (decoder: Decoder) => Promise<{
    readonly firstOffset: string;
    readonly producerId: string;
    readonly producerEpoch: number;
    readonly firstSequence: number;
    readonly firstTimestamp: string;
    readonly lastOffsetDelta: number;
    readonly inTransaction: boolean;
    readonly isControlBatch: boolean;
    readonly records: readonly {
      readonly offset: string;
      readonly key: Buffer | null;
      readonly value: Buffer | null;
      readonly headers: Readonly<Record<string, Buffer>>;
    }[];
  }>;
  export default decodeBatch;
}

declare module 'kafkajs/src/protocol/requests/fetch/v4/request.js' {
  const createRequest: (request: {
    readonly replicaId: number;
    readonly isolationLevel: number;
    readonly maxWaitTime: number;
    readonly minBytes: number;
    readonly maxBytes: number;
    readonly topics: readonly {
      readonly topic: string;
      readonly partitions: readonly {
        readonly partition: number;
        readonly fetchOffset: string;
        readonly maxBytes: number;
      }[];
    }[];
  }) => {
    readonly apiKey: number;
    readonly apiVersion: number;
    readonly apiName: string;
    readonly encode: () => Promise<{ readonly buf: Buffer; readonly buffer: Buffer }>;
  };
  export default createRequest;
}

declare module 'kafkajs/src/network/socketFactory.js' {
  import type { Socket } from 'node:net';

  const createSocketFactory: () => (place: {
    readonly host: string;
    readonly port: number;
    readonly ssl: object;
    readonly onConnect: () => void;
  }) => Socket;
  export default createSocketFactory;
}
