/** The part of jsonld that tests use; the package brings no types. */
declare module 'jsonld' {
  interface Options {
    /** Rejects what must not be fetched. */
    readonly documentLoader: (url: string) => Promise<never>;
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
    toRDF(document: object, options: Options): Promise<readonly Quad[]>;
  };
  export default jsonld;
}
