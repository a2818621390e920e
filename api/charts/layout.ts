/** Where everything of a chart is, in pixels. */

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  /** The plots, from top to bottom; their names stand above, their legends below. */
  readonly boxes: readonly Box[];
  /** Baselines. */
  readonly titleY: number;
  readonly subtitleY: number;
  readonly footerY: number;
}

export const sides = { left: 64, right: 20 } as const;
const headPixels = 56;
const footPixels = 30;
/** Name above, ticks and legend below a plot. */
const nameAbove = 22;
const ticksBelow = 20;
const legendLine = 18;
const plotPixelsUsual = 190;
const plotPixelsMin = 40;
export const widthLimits = { min: 240, max: 2_400, usual: 900 } as const;
export const heightLimits = { min: 160, max: 1_600 } as const;

/** Height of everything but the plots, where panels have so many series each. */
function fixedPixels(seriesOfPanels: readonly number[]): number {
  return seriesOfPanels.reduce(
    (total, series) => total + nameAbove + ticksBelow + series * legendLine,
    headPixels + footPixels,
  );
}

/** The least height that shows them all. */
export function heightNeeded(seriesOfPanels: readonly number[]): number {
  return fixedPixels(seriesOfPanels) + seriesOfPanels.length * plotPixelsMin;
}

export function usualHeight(seriesOfPanels: readonly number[]): number {
  const wanted = fixedPixels(seriesOfPanels) + seriesOfPanels.length * plotPixelsUsual;
  return Math.max(heightNeeded(seriesOfPanels), Math.min(heightLimits.max, wanted));
}

export function layOut(width: number, height: number, seriesOfPanels: readonly number[]): Layout {
  const plotPixels = Math.floor(
    (height - fixedPixels(seriesOfPanels)) / Math.max(1, seriesOfPanels.length),
  );
  let top = headPixels;
  const boxes = seriesOfPanels.map((series) => {
    const box = {
      left: sides.left,
      top: top + nameAbove,
      width: width - sides.left - sides.right,
      height: plotPixels,
    };
    top += nameAbove + plotPixels + ticksBelow + series * legendLine;
    return box;
  });
  return { width, height, boxes, titleY: 24, subtitleY: 44, footerY: height - 12 };
}

/** Baseline of a line of the legend of a plot. */
export function legendY({ top, height }: Box, line: number): number {
  return top + height + ticksBelow + legendLine * line + 13;
}
