/** What the tests use of the second UCUM library, which ships no types of its own. */
declare module '@lhncbc/ucum-lhc' {
  interface Utils {
    validateUnitString(code: string): { readonly status: 'valid' | 'invalid' | 'error' };
    convertUnitTo(
      from: string,
      value: number,
      to: string,
    ): { readonly status: 'succeeded' | 'failed' | 'error'; readonly toVal: number | null };
  }
  const ucumLhc: { readonly UcumLhcUtils: { getInstance(): Utils } };
  export default ucumLhc;
}
