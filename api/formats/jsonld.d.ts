/** The part of jsonld that tests use; the package brings no types. */
declare module 'jsonld' {
  interface Options {
    readonly algorithm?: 'RDFC-1.0';
    readonly inputFormat?: 'application/n-quads';
    /** Rejects what must not be fetched. */
    readonly documentLoader?: (url: string) => Promise<never>;
  }
  export interface Quad {
    readonly subject: { readonly value: string };
    readonly predicate: { readonly value: string };
    readonly object: {
      readonly value: string;
      readonly datatype?: { readonly value: string };
      readonly language?: string;
    };
  }
  const jsonld: {
    expand(document: object, options: Options): Promise<Record<string, unknown>[]>;
    toRDF(
      document: object,
      options: Options & { readonly format: 'application/n-quads' },
    ): Promise<string>;
    toRDF(document: object, options: Options): Promise<readonly Quad[]>;
    canonize(
      input: string,
      options: Options & { readonly format?: 'application/n-quads' },
    ): Promise<string>;
  };
  export default jsonld;
}
