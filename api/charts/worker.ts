/** The thread that paints: one picture after the other, as `painter.ts` sends them. */
import { parentPort } from 'node:worker_threads';

import type { Painted } from './painter.ts';
import { openRaster } from './raster.ts';

const raster = openRaster();

parentPort?.on('message', (svg: string) => {
  void raster
    .then((paint): Painted => ({ png: paint(svg) }))
    .catch((error: unknown): Painted => ({ failure: String(error) }))
    .then((painted) => {
      parentPort?.postMessage(painted, 'png' in painted ? [painted.png.buffer] : []);
    });
});
