/** What the tests use of a package that ships no types of its own. */
declare module 'jsonld' {
  interface Options {
    readonly algorithm?: 'RDFC-1.0';
    readonly format?: 'application/n-quads';
    readonly inputFormat?: 'application/n-quads';
    readonly documentLoader?: (url: string) => Promise<never>;
  }
  const jsonld: {
    toRDF(document: object, options: Options): Promise<string>;
    canonize(input: string, options: Options): Promise<string>;
  };
  export default jsonld;
}
