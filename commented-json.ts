/**
 * The configuration file's format: JSON in which `//` comments and a comma before a closing bracket
 * are allowed, so that a printed default can be switched on by deleting two characters.
 */

/** Parses it; throws the SyntaxError of `JSON.parse` with positions of the text as given. */
export function parseCommentedJson(text: string): unknown {
  return JSON.parse(blankCommas(blankComments(text)));
}

/** Comments become spaces, so that positions in error messages stay true. */
function blankComments(text: string): string {
  return text.replace(/("(?:[^"\\\n]|\\.)*")|\/\/[^\n]*/g, (whole, quoted: string | undefined) =>
    quoted === undefined ? ' '.repeat(whole.length) : whole,
  );
}

function blankCommas(text: string): string {
  return text.replace(
    /("(?:[^"\\\n]|\\.)*")|,(?=\s*[}\]])/g,
    (_, quoted: string | undefined) => quoted ?? ' ',
  );
}

export interface SchemaNode {
  readonly description?: string;
  readonly type?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
}

/**
 * The whole configuration with a comment before each key: what it means, what it accepts, its
 * default. Keys whose value is the default are commented out. `schema` is a JSON Schema (input side).
 */
export function printCommentedJson(schema: unknown, values: unknown): string {
  return `${printObject(schema as SchemaNode, values as Readonly<Record<string, unknown>>, '').join('\n')}\n`;
}

function printObject(
  schema: SchemaNode,
  values: Readonly<Record<string, unknown>>,
  indent: string,
): string[] {
  const lines = ['{'];
  for (const [key, node] of Object.entries(schema.properties ?? {})) {
    const inner = `${indent}  `;
    const value = values[key];
    for (const line of describeNode(node)) lines.push(`${inner}// ${line}`);
    if (node.type === 'object' && node.properties !== undefined) {
      const [first = '{', ...rest] = printObject(
        node,
        (value ?? {}) as Record<string, unknown>,
        inner,
      );
      lines.push(`${inner}"${key}": ${first}`, ...rest.slice(0, -1), `${inner}},`);
    } else {
      const shown = JSON.stringify(value ?? node.default ?? null);
      const isDefault =
        value === undefined || JSON.stringify(value) === JSON.stringify(node.default);
      lines.push(`${inner}${isDefault ? '// ' : ''}"${key}": ${shown},`);
    }
  }
  lines.push('}');
  return lines;
}

function describeNode(node: SchemaNode): string[] {
  const lines = wrap(node.description ?? '', 92);
  const accepted = acceptedValues(node);
  return accepted === '' ? lines : [...lines, `Accepted: ${accepted}.`];
}

export function acceptedValues(node: SchemaNode): string {
  if (node.enum !== undefined) return node.enum.map((each) => JSON.stringify(each)).join(', ');
  if (node.minimum !== undefined && node.maximum !== undefined) {
    return `${node.type ?? 'number'} from ${node.minimum} to ${node.maximum}`;
  }
  return '';
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + word.length >= width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return line === '' ? lines : [...lines, line];
}
