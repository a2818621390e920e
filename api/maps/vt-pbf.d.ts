/** The package has no types of its own; this is the part that is used. */
declare module 'vt-pbf' {
  interface TileFeature {
    /** 1: points. */
    readonly type: number;
    readonly geometry: readonly (readonly number[])[];
    readonly tags: Readonly<Record<string, string | number | boolean>>;
  }
  const encode: {
    fromGeojsonVt(
      layers: Readonly<Record<string, { readonly features: readonly TileFeature[] }>>,
      options: { readonly version: number; readonly extent: number },
    ): Uint8Array;
  };
  export default encode;
}
