/**
 * SVG to PNG by resvg compiled to WebAssembly: pure of the machine, so that the same picture comes
 * out everywhere. It knows no system font; Be Vietnam Pro (SIL OFL 1.1) has every Vietnamese letter.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { initWasm, Resvg } from '@resvg/resvg-wasm';

export type Raster = (svg: string) => Uint8Array<ArrayBuffer>;

const family = 'Be Vietnam Pro';
const fonts = [
  import.meta.resolve('@expo-google-fonts/be-vietnam-pro/400Regular/BeVietnamPro_400Regular.ttf'),
  import.meta.resolve('@expo-google-fonts/be-vietnam-pro/600SemiBold/BeVietnamPro_600SemiBold.ttf'),
];
const program = import.meta.resolve('@resvg/resvg-wasm/index_bg.wasm');

/** Once in a thread: the program is loaded for the whole of it. */
export async function openRaster(): Promise<Raster> {
  await initWasm(await readFile(fileURLToPath(program)));
  const fontBuffers = await Promise.all(fonts.map((font) => readFile(fileURLToPath(font))));
  return (svg) => {
    const picture = new Resvg(svg, {
      font: { fontBuffers, defaultFontFamily: family, sansSerifFamily: family },
    });
    try {
      const image = picture.render();
      try {
        return Uint8Array.from(image.asPng());
      } finally {
        image.free();
      }
    } finally {
      picture.free();
    }
  };
}
