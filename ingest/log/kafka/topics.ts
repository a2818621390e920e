/** Creates the topics that are missing, and refuses by name those that are not as they must be. */
import kafkajs, { type Admin } from 'kafkajs';
import { kafkaError } from './errors.ts';
import type { TopicSpecification } from './kafka.ts';

const forEver = -1;
/**
 * Records carry the time of the server that stores them. With that of the sender Kafka refuses a node
 * whose clock is an hour ahead, and deletes at once what one sends that is years behind.
 */
const serversTime = 'LogAppendTime';

/** The same for every topic. */
const fixedSettings: Readonly<Record<string, string>> = {
  // A replica that lags must not lead: what others had acknowledged would be gone.
  'unclean.leader.election.enable': 'false',
  'message.timestamp.type': serversTime,
  // As it was sent: a server that packs anew may choose what our reader does not unpack.
  'compression.type': 'producer',
};

export async function ensureTopics(
  admin: Admin,
  wanted: readonly TopicSpecification[],
): Promise<void> {
  const present = new Set(await admin.listTopics());
  const missing = wanted.filter(({ topic }) => !present.has(topic));
  if (missing.length > 0) {
    // False where another node was quicker: what it made is checked below like any other.
    const topics = missing.map(descriptionOf);
    await admin.createTopics({ topics, waitForLeaders: true }).catch((error: unknown) => {
      throw tooFewServers(error, missing) ?? error;
    });
  }
  const { topics } = await admin.fetchTopicMetadata({ topics: wanted.map(({ topic }) => topic) });
  for (const specification of wanted) {
    const metadata = topics.find(({ name }) => name === specification.topic);
    const settings = await settingsOf(admin, specification.topic);
    check(specification, metadata?.partitions ?? [], settings);
  }
}

/** Undefined for any other reason. */
function tooFewServers(error: unknown, missing: readonly TopicSpecification[]): Error | undefined {
  const { errors = [] } = error as { readonly errors?: readonly { readonly type?: string }[] };
  if (!errors.some(({ type }) => type === 'INVALID_REPLICATION_FACTOR')) return undefined;
  const is = Math.max(...missing.map(({ replicationFactor }) => replicationFactor));
  return kafkaError('KAFKA_SERVERS_TOO_FEW', { key: 'cluster.kafka.replicationFactor', is }, error);
}

function descriptionOf(wanted: TopicSpecification) {
  const settings: Record<string, string> = {
    'cleanup.policy': wanted.cleanupPolicy,
    'retention.ms': String(wanted.retentionMs),
    'retention.bytes': '-1',
    'min.insync.replicas': String(wanted.minInsyncReplicas),
    'max.message.bytes': String(wanted.messageBytesMax),
    ...fixedSettings,
  };
  return {
    topic: wanted.topic,
    numPartitions: wanted.partitions,
    replicationFactor: wanted.replicationFactor,
    configEntries: Object.entries(settings).map(([name, value]) => ({ name, value })),
  };
}

async function settingsOf(admin: Admin, topic: string): Promise<ReadonlyMap<string, string>> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }],
  });
  const entries = resources[0]?.configEntries ?? [];
  return new Map(entries.map(({ configName, configValue }) => [configName, configValue]));
}

function check(
  wanted: TopicSpecification,
  partitions: readonly { readonly replicas: readonly unknown[] }[],
  settings: ReadonlyMap<string, string>,
): void {
  const { topic } = wanted;
  const refuse = (setting: string, is: unknown, mustBe: unknown): never => {
    throw kafkaError('KAFKA_TOPIC_WRONG', { topic, setting, is, mustBe });
  };
  const numberOf = (name: string): number => Number(settings.get(name));
  const replicas = Math.min(...partitions.map((partition) => partition.replicas.length));
  if (partitions.length !== wanted.partitions) {
    refuse('partitions', partitions.length, wanted.partitions);
  }
  if (replicas < wanted.replicationFactor) {
    refuse('replication.factor', replicas, `${wanted.replicationFactor} or more`);
  }
  if (numberOf('min.insync.replicas') < wanted.minInsyncReplicas) {
    const mustBe = `${wanted.minInsyncReplicas} or more`;
    refuse('min.insync.replicas', settings.get('min.insync.replicas'), mustBe);
  }
  if (settings.get('cleanup.policy') !== wanted.cleanupPolicy) {
    refuse('cleanup.policy', settings.get('cleanup.policy'), wanted.cleanupPolicy);
  }
  for (const [name, mustBe] of Object.entries(fixedSettings)) {
    if (settings.get(name) !== mustBe) refuse(name, settings.get(name), mustBe);
  }
  checkRetention(wanted, numberOf('retention.ms'), numberOf('retention.bytes'), refuse);
  if (numberOf('max.message.bytes') < wanted.messageBytesMax) {
    const mustBe = `${wanted.messageBytesMax} or more`;
    refuse('max.message.bytes', settings.get('max.message.bytes'), mustBe);
  }
}

/** A compacted topic keeps the newest of each key whatever its retention says. */
function checkRetention(
  { cleanupPolicy, retentionMs }: TopicSpecification,
  isMs: number,
  isBytes: number,
  refuse: (setting: string, is: unknown, mustBe: unknown) => never,
): void {
  if (cleanupPolicy === 'compact') return;
  const isLongEnough = isMs === forEver || (retentionMs !== forEver && isMs >= retentionMs);
  if (!isLongEnough) refuse('retention.ms', isMs, retentionMs);
  if (isBytes !== forEver) refuse('retention.bytes', isBytes, forEver);
}
