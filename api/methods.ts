/** Which methods an address takes, so that another one is answered 405 and not 404 (RFC 9110 §15.5.6). */
export interface Methods {
  add(url: string, methods: readonly string[]): void;
  /** Methods of the address; empty where there is nothing. */
  allowed(path: string): readonly string[];
}

export function createMethods(): Methods {
  const routes: { readonly pattern: RegExp; readonly methods: Set<string> }[] = [];
  const byUrl = new Map<string, Set<string>>();
  return {
    add(url, methods) {
      if (url.includes('*')) return;
      let known = byUrl.get(url);
      if (known === undefined) {
        known = new Set();
        byUrl.set(url, known);
        routes.push({ pattern: patternOf(url), methods: known });
      }
      for (const method of methods) known.add(method);
    },
    allowed(path) {
      const found = new Set<string>();
      for (const { pattern, methods } of routes) {
        if (pattern.test(path)) for (const method of methods) found.add(method);
      }
      return [...found].sort();
    },
  };
}

function patternOf(url: string): RegExp {
  const parts = url
    .split('/')
    .map((part) =>
      part.startsWith(':') ? '[^/]+' : part.replaceAll(/[.+?()[\]{}|\\^$]/g, '\\$&'),
    );
  return new RegExp(`^${parts.join('/')}$`);
}
