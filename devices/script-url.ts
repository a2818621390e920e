/**
 * Address of a thread's script beside the module that starts it: TypeScript in the repository,
 * JavaScript where the package was compiled. `path` has no extension.
 */
export function scriptUrl(path: string, moduleUrl: string): URL {
  return new URL(`${path}.${moduleUrl.endsWith('.ts') ? 'ts' : 'js'}`, moduleUrl);
}
