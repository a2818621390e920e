/**
 * Metrics of several registries as one Prometheus text: the lines of a metric stand together, under
 * one HELP and one TYPE, as the format demands (prometheus.io/docs/instrumenting/exposition_formats).
 */
interface Family {
  help: string | undefined;
  type: string | undefined;
  readonly samples: string[];
}

const headPattern = /^# (HELP|TYPE) (\S+)/;
/** What a sample of a histogram or summary has behind the name of its metric. */
const partPattern = /_(bucket|sum|count)$/;

/** Metrics in the order in which they are first met; of two HELP or TYPE the first counts. */
export function joinMetrics(texts: readonly string[]): string {
  const families = new Map<string, Family>();
  const familyOf = (name: string): Family => {
    const known = families.get(name);
    if (known !== undefined) return known;
    const made: Family = { help: undefined, type: undefined, samples: [] };
    families.set(name, made);
    return made;
  };
  for (const line of texts.flatMap((text) => text.split('\n'))) {
    if (line === '') continue;
    const [, what, name] = headPattern.exec(line) ?? [];
    if (what === 'HELP') familyOf(name ?? '').help ??= line;
    else if (what === 'TYPE') familyOf(name ?? '').type ??= line;
    else if (!line.startsWith('#')) familyOf(metricOf(line, families)).samples.push(line);
  }
  const lines = [...families.values()].flatMap(({ help, type, samples }) => [
    ...[help, type].filter((line) => line !== undefined),
    ...samples,
  ]);
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

function metricOf(sample: string, families: ReadonlyMap<string, Family>): string {
  const name = /^[^{\s]*/.exec(sample)?.[0] ?? '';
  const whole = name.replace(partPattern, '');
  const { type = '' } = families.get(whole) ?? {};
  return whole !== name && / (histogram|summary)$/.test(type) ? whole : name;
}
