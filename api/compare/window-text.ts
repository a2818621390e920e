/** Members of a window that say what it holds, in this order; the others say which one it is. */
const members = [
  'rows',
  'expected',
  'completeness',
  'suspect',
  'failed',
  'missing',
  'mean',
  'min',
  'max',
  'sum',
  'count',
  'first',
  'last',
];

/** Of a window as the API shows it. */
export function windowText(shown: Readonly<Record<string, unknown>>): string {
  return members.map((name) => `${name} ${JSON.stringify(shown[name] ?? null)}`).join(', ');
}
