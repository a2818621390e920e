/** Topic names and filters (§4.7). */

export interface TopicLimits {
  readonly topicLevelsMax: number;
  readonly topicBytesMax: number;
}

/** A topic name that a PUBLISH may carry: not empty and without wildcards. */
export function isTopicName(topic: string): boolean {
  return topic.length > 0 && !topic.includes('+') && !topic.includes('#');
}

/** `#` alone on the last level, `+` alone on any. */
export function isTopicFilter(filter: string): boolean {
  if (filter.length === 0) return false;
  const levels = filter.split('/');
  return levels.every((level, index) => {
    if (level === '+') return true;
    if (level === '#') return index === levels.length - 1;
    return !level.includes('+') && !level.includes('#');
  });
}

/** Neither too deep nor too long for this server. */
export function isWithinLimits(topic: string, limits: TopicLimits): boolean {
  if (topic.length > limits.topicBytesMax || Buffer.byteLength(topic) > limits.topicBytesMax) {
    return false;
  }
  let levels = 1;
  for (let at = topic.indexOf('/'); at !== -1; at = topic.indexOf('/', at + 1)) levels += 1;
  return levels <= limits.topicLevelsMax;
}

/** Whether the filter matches the topic; a leading wildcard does not reach `$…` (MQTT-4.7.2-1). */
export function matches(filter: string, topic: string): boolean {
  if (filter === topic) return true;
  const pattern = filter.split('/');
  const levels = topic.split('/');
  if (topic.startsWith('$') && (pattern[0] === '+' || pattern[0] === '#')) return false;
  for (let index = 0; index < pattern.length; index += 1) {
    const level = pattern[index];
    if (level === '#') return true;
    if (index >= levels.length || (level !== '+' && level !== levels[index])) return false;
  }
  // `sport/#` also matches its parent `sport` (§4.7.1.2): the loop has returned for it above.
  return pattern.length === levels.length;
}
