/**
 * What clients of version 1 rely on, as lines of text: every address, parameter, kind of answer and
 * member of an answer that the API description names. Version 1 only grows: a line may be added and
 * none may go, so that what was written against it once works as long as it is served.
 *
 *   GET /api/v1/latest                                        an address
 *   GET /api/v1/latest ?property optional string              a parameter; `=value` for each of an enumeration
 *   GET /api/v1/latest 200 application/json                   a kind of answer
 *   GET /api/v1/latest 200 application/json .items[].id required string
 *
 * A parameter that was optional must not become required, a member that was always there must not
 * become optional; both change a line. Operators' addresses are theirs and are left out.
 */
export interface ApiDescription {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

interface Operation {
  readonly parameters?: readonly Parameter[];
  readonly responses?: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema?: Schema }>> }>
  >;
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema?: Schema;
}

interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
}

const operators = /^\/api\/v1\/admin(\/|$)/;
const versioned = /^\/(api\/v1|ogc)(\/|$)/;
/** A format's own address answers as the list does: what it holds is said there. */
const ofFormat = /\.[a-z]{2,8}$/;

export function surfaceOf({ paths }: ApiDescription): readonly string[] {
  const lines: string[] = [];
  for (const [path, operations] of Object.entries(paths)) {
    if (!versioned.test(path) || operators.test(path)) continue;
    for (const [method, operation] of Object.entries(operations)) {
      lines.push(...operationLines(`${method.toUpperCase()} ${path}`, path, operation));
    }
  }
  return [...new Set(lines)].sort();
}

function* operationLines(head: string, path: string, operation: Operation): Generator<string> {
  yield head;
  const isOfFormat = ofFormat.test(path);
  for (const parameter of operation.parameters ?? []) {
    if (parameter.in === 'header' || isOfFormat) continue;
    const { name, required, schema = {} } = parameter;
    yield `${head} ?${name} ${required === true ? 'required' : 'optional'} ${typeOf(schema)}`;
    for (const value of valuesOf(schema)) yield `${head} ?${name}=${value}`;
  }
  for (const [status, { content = {} }] of Object.entries(operation.responses ?? {})) {
    if (!status.startsWith('2')) continue;
    for (const [type, { schema }] of Object.entries(content)) {
      yield `${head} ${status} ${type}`;
      if (schema !== undefined && !isOfFormat) {
        yield* memberLines(`${head} ${status} ${type} `, '', schema);
      }
    }
  }
}

function* memberLines(head: string, place: string, schema: Schema): Generator<string> {
  for (const each of schema.anyOf ?? schema.oneOf ?? []) yield* memberLines(head, place, each);
  if (schema.items !== undefined) yield* memberLines(head, `${place}[]`, schema.items);
  for (const [name, member] of Object.entries(schema.properties ?? {})) {
    const isRequired = schema.required?.includes(name) === true;
    yield `${head}${place}.${name} ${isRequired ? 'required' : 'optional'} ${typeOf(member)}`;
    yield* memberLines(head, `${place}.${name}`, member);
  }
}

function typeOf(schema: Schema): string {
  const types = [schema.type ?? []].flat();
  const others = (schema.anyOf ?? schema.oneOf ?? []).map(typeOf);
  const all = [...new Set([...types, ...others].filter((each) => each !== 'any'))].sort();
  if (all.length > 0) return all.join('|');
  return schema.const === undefined ? 'any' : typeof schema.const;
}

function valuesOf(schema: Schema): readonly string[] {
  const own = schema.enum ?? (schema.const === undefined ? [] : [schema.const]);
  return [...own.map(String), ...(schema.anyOf ?? schema.oneOf ?? []).flatMap(valuesOf)];
}

/** Lines of the record that the description no longer says, and lines that the record lacks. */
export function compareSurfaces(
  recorded: readonly string[],
  current: readonly string[],
): { readonly gone: readonly string[]; readonly added: readonly string[] } {
  const before = new Set(recorded);
  const now = new Set(current);
  return {
    gone: recorded.filter((line) => !now.has(line) && !isWidened(line, now)),
    added: current.filter((line) => !before.has(line)),
  };
}

/** A parameter that need no longer be given, a member that is now always there: nobody is harmed. */
function isWidened(line: string, now: ReadonlySet<string>): boolean {
  const isParameter = / \?\S+ required /.test(line);
  const isMember = / \S*\.\S+ optional /.test(line) && !line.includes(' ?');
  if (isParameter) return now.has(line.replace(' required ', ' optional '));
  return isMember && now.has(line.replace(' optional ', ' required '));
}
