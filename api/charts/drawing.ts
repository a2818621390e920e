/** The whole picture as SVG: no script, no style sheet, nothing from elsewhere, all text escaped. */
import type { LocalTime } from '../../ingest/observations/local-time.ts';
import type { Language } from '../page-words.ts';
import { element, escapeText, fitText, textElement } from './element.ts';
import { layOut, sides } from './layout.ts';
import { drawPanel, type Panel } from './panel.ts';
import { plainNumber } from './scale.ts';
import { themes, type ThemeName } from './theme.ts';
import { instantText, offsetText } from './time-axis.ts';
import { word } from './words.ts';

export interface Drawing {
  readonly title: string;
  /** Behind the span, such as the length of the windows; may be empty. */
  readonly note: string;
  readonly source: string;
  readonly fromAt: number;
  readonly toAt: number;
  readonly time: LocalTime;
  readonly language: Language;
  readonly theme: ThemeName;
  readonly width: number;
  readonly height: number;
  readonly panels: readonly Panel[];
}

/** The document in parts, each made in a few milliseconds. */
export function* draw(drawing: Drawing): Generator<string> {
  const { width, height, language, fromAt, toAt, time } = drawing;
  const theme = themes[drawing.theme];
  const layout = layOut(
    width,
    height,
    drawing.panels.map(({ series }) => series.length),
  );
  const widthInside = width - sides.right - 16;
  yield (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
      `viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title description" ` +
      `lang="${language}" font-family="'Be Vietnam Pro', system-ui, sans-serif">`
  );
  yield element('title', { id: 'title' }, escapeText(drawing.title));
  yield element('desc', { id: 'description' }, escapeText(descriptionOf(drawing)));
  yield element('rect', { width, height, fill: theme.ground });
  const title = { x: 16, y: layout.titleY, 'font-size': 16, 'font-weight': 600, fill: theme.text };
  yield textElement(fitText(drawing.title, 17, widthInside), title);
  const subtitle = { x: 16, y: layout.subtitleY, 'font-size': 12, fill: theme.quiet };
  yield textElement(fitText(spanText(drawing), 12, widthInside), subtitle);
  for (const [index, panel] of drawing.panels.entries()) {
    const box = layout.boxes[index];
    if (box === undefined) continue;
    const frame = { box, fromAt, toAt, time, language, theme, clipId: `plot-${index}` };
    yield* drawPanel(panel, frame);
  }
  const footer = { x: 16, y: layout.footerY, 'font-size': 11, fill: theme.quiet };
  yield textElement(fitText(drawing.source, 11, widthInside), footer);
  yield '</svg>';
}

function spanText({ fromAt, toAt, time, language, note }: Drawing): string {
  const span = `${instantText(fromAt, time, language)} – ${instantText(toAt, time, language)}`;
  const zone = `${word(language, 'localTime')} ${offsetText(toAt, time)} (${time.timeZone})`;
  return [span, zone, note].filter((each) => each !== '').join(' · ');
}

/** What the picture shows, for those who hear it. */
function descriptionOf(drawing: Drawing): string {
  const { language } = drawing;
  const sentences = drawing.panels.flatMap((panel) =>
    panel.series.map(({ name, plot }) => {
      const of = `${panel.name}, ${name}`;
      if (plot.last === undefined) return `${of}: ${word(language, 'noValues')}.`;
      const figures = [
        `${plot.values} ${word(language, 'values')}`,
        `${word(language, 'least')} ${plainNumber(plot.least, language)}`,
        `${word(language, 'greatest')} ${plainNumber(plot.greatest, language)}`,
        `${word(language, 'last')} ${plainNumber(plot.last.value, language)}`,
        ...(['suspect', 'failed'] as const)
          .filter((each) => plot[each] > 0)
          .map((each) => `${plot[each]} ${word(language, each)}`),
      ];
      return `${of}: ${figures.join(', ')}.`;
    }),
  );
  return [`${spanText(drawing)}.`, ...sentences, `${drawing.source}.`].join(' ');
}
