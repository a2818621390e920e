/**
 * Rules by datastream stand in the configuration and datastreams in the registry: an id that only the
 * first of them knows is a rule that judges nothing. That is said, for nobody would notice.
 */
import type { ChecksConfig } from './checks/config.ts';
import type { Directory } from './directory.ts';
import type { IngestEvents } from './events.ts';

export interface RuleNames {
  /** To be called whenever another registry version is in force. */
  check(): void;
}

/** Told anew only when the ids are others than last time: a registry may change often. */
export function createRuleNames(
  { datastreams }: ChecksConfig,
  directory: Pick<Directory, 'registry' | 'version'>,
  events: Pick<IngestEvents, 'rulesUnused'>,
): RuleNames {
  const named = Object.keys(datastreams);
  let told = '';
  return {
    check() {
      const known = directory.registry.datastreams;
      const ids = named.filter((id) => !known.has(id));
      const isNews = ids.length > 0 && ids.join('\n') !== told;
      told = ids.join('\n');
      events.rulesUnused({ version: directory.version, ids }, isNews);
    },
  };
}
