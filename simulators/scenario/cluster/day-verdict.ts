/** What the commands that anybody has say of platforms and folders. */
import { runCommand } from '../server-process.ts';

export interface Verdict {
  /** Exit code 0: nothing differs, nothing is wrong. */
  readonly holds: boolean;
  /** The last line that the command told. */
  readonly told: Readonly<Record<string, unknown>>;
}

type Tell = (line: string) => void;

/** Over both open APIs. */
export function compare(one: string, other: string, tell: Tell): Promise<Verdict> {
  return judge(['compare', one, other, '--timed'], tell);
}

export function verify(folder: string, tell: Tell): Promise<Verdict> {
  return judge(['verify', folder, '--digest'], tell);
}

/** What is wrong or different is told line by line. */
async function judge(words: readonly string[], tell: Tell): Promise<Verdict> {
  const { code, stdout, stderr } = await runCommand([...words, '--json']);
  const lines = stdout.trimEnd().split('\n');
  const last = lines.pop() ?? '';
  for (const line of lines) tell(line);
  if (last === '') throw new Error(`${words.join(' ')} ended with ${code}: ${stderr}`);
  return { holds: code === 0, told: JSON.parse(last) as Verdict['told'] };
}
