/**
 * Metrics of several registries as one Prometheus text: the lines of a metric stand together, under
 * one HELP and one TYPE, as the format demands (prometheus.io/docs/instrumenting/exposition_formats).
 */
interface Family {
  help: string | undefined;
  type: string | undefined;
  /** Values by name and labels. */
  readonly samples: Map<string, string>;
}

const headPattern = /^# (HELP|TYPE) (\S+)/;
/** What a sample of a histogram or summary has behind the name of its metric. */
const partPattern = /_(bucket|sum|count)$/;

/**
 * Metrics in the order in which they are first met; of two HELP or TYPE the first counts. What several
 * count under the same labels is added; of a gauge the first value stays, since positions add to nothing.
 */
export function joinMetrics(texts: readonly string[]): string {
  const families = new Map<string, Family>();
  const familyOf = (name: string): Family => {
    const known = families.get(name);
    if (known !== undefined) return known;
    const made: Family = { help: undefined, type: undefined, samples: new Map() };
    families.set(name, made);
    return made;
  };
  for (const line of texts.flatMap((text) => text.split('\n'))) {
    if (line === '') continue;
    const [, what, name] = headPattern.exec(line) ?? [];
    if (what === 'HELP') familyOf(name ?? '').help ??= line;
    else if (what === 'TYPE') familyOf(name ?? '').type ??= line;
    else if (!line.startsWith('#')) addSample(familyOf(metricOf(line, families)), line);
  }
  const lines = [...families.values()].flatMap(({ help, type, samples }) => [
    ...[help, type].filter((line) => line !== undefined),
    ...[...samples].map(([sample, value]) => `${sample} ${value}`),
  ]);
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

function addSample({ type = '', samples }: Family, line: string): void {
  const space = line.lastIndexOf(' ');
  const [sample, value] = [line.slice(0, space), line.slice(space + 1)];
  const before = samples.get(sample);
  if (before === undefined) samples.set(sample, value);
  else if (!type.endsWith(' gauge')) samples.set(sample, String(Number(before) + Number(value)));
}

function metricOf(sample: string, families: ReadonlyMap<string, Family>): string {
  const name = /^[^{\s]*/.exec(sample)?.[0] ?? '';
  const whole = name.replace(partPattern, '');
  const { type = '' } = families.get(whole) ?? {};
  return whole !== name && / (histogram|summary)$/.test(type) ? whole : name;
}
