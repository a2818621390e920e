/** As much of a Dockerfile and of .dockerignore as ours use. */

export interface Instruction {
  readonly word: string;
  /** Behind the word and `--from`. */
  readonly rest: string;
  /** Of COPY: a stage. */
  readonly from?: string;
}

export interface Stage {
  readonly name: string;
  readonly base: string;
  readonly instructions: readonly Instruction[];
  readonly environment: Readonly<Record<string, string>>;
  readonly user?: string;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly healthcheck: readonly string[];
}

/** Comments away, continued lines as one. */
function linesOf(text: string): string[] {
  const lines = text.split('\n').filter((line) => !/^\s*(#|$)/.test(line));
  return lines
    .join('\n')
    .replaceAll(/\s*\\\n\s*/g, ' ')
    .split('\n');
}

/** Throws on an instruction that it does not know. */
export function readDockerfile(text: string): Stage[] {
  const values = new Map<string, string>();
  const stages: { name: string; base: string; instructions: Instruction[] }[] = [];
  for (const line of linesOf(text)) {
    const [, word = '', rest = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    if (word === 'ARG') {
      const [name = '', value = ''] = rest.split('=');
      values.set(name, value);
    } else if (word === 'FROM') {
      stages.push(openStage(rest, values));
    } else {
      stages.at(-1)?.instructions.push(instructionOf(word, rest));
    }
  }
  return stages.map(finish);
}

function openStage(rest: string, values: ReadonlyMap<string, string>) {
  const given = rest.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => values.get(name) ?? '');
  const [, base = '', name = 'image'] = /^(\S+)(?: AS (\S+))?$/.exec(given) ?? [];
  return { name, base, instructions: [] };
}

function instructionOf(word: string, rest: string): Instruction {
  const [, from, behind = rest] = /^--from=(\S+) (.*)$/.exec(rest) ?? [];
  return from === undefined ? { word, rest } : { word, rest: behind, from };
}

const known = /^(WORKDIR|COPY|RUN|ENV|USER|VOLUME|EXPOSE|STOPSIGNAL|HEALTHCHECK|ENTRYPOINT|CMD)$/;

function finish(stage: Pick<Stage, 'name' | 'base' | 'instructions'>): Stage {
  const strange = stage.instructions.find(({ word }) => !known.test(word));
  if (strange !== undefined) throw new Error(`instruction ${strange.word} is not known here`);
  const last = (word: string): string | undefined =>
    stage.instructions.findLast((each) => each.word === word)?.rest;
  const wordsOf = (text = '[]'): string[] => JSON.parse(text.slice(text.indexOf('['))) as string[];
  const user = last('USER');
  return {
    ...stage,
    environment: Object.fromEntries(
      stage.instructions
        .filter(({ word }) => word === 'ENV')
        .flatMap(({ rest }) => rest.split(' ').map((pair) => pair.split('=') as [string, string])),
    ),
    ...(user === undefined ? {} : { user }),
    entrypoint: wordsOf(last('ENTRYPOINT')),
    command: wordsOf(last('CMD')),
    healthcheck: wordsOf(last('HEALTHCHECK')),
  };
}

/** Whether .dockerignore keeps a path out of the context: the last pattern that matches decides. */
export function isIgnored(path: string, patterns: readonly string[]): boolean {
  let isOut = false;
  for (const line of patterns) {
    const pattern = line.trim();
    if (pattern === '' || pattern.startsWith('#')) continue;
    const isBack = pattern.startsWith('!');
    if (matcherOf(isBack ? pattern.slice(1) : pattern).test(path)) isOut = !isBack;
  }
  return isOut;
}

/** `**` is any number of folders, `*` stays within one name; what lies below a match matches too. */
function matcherOf(pattern: string): RegExp {
  const source = pattern
    .split('/')
    .map((part) =>
      part === '**'
        ? '(?:[^/]+/)*'
        : `${part.replaceAll(/[.+?^${}()|[\]]/g, '\\$&').replaceAll('*', '[^/]*')}/`,
    )
    .join('')
    .replace(/\/$/, '');
  return new RegExp(`^${source}(?:/|$)`);
}
