/** Colours of a chart, in light and in dark; every text is at least 4.5:1 on its ground (WCAG 1.4.3). */

export const themeNames = ['light', 'dark'] as const;
export type ThemeName = (typeof themeNames)[number];

export interface Theme {
  readonly ground: string;
  readonly text: string;
  readonly quiet: string;
  readonly grid: string;
  readonly suspect: string;
  readonly failed: string;
  /** One a series; also told apart by dashes, for those who do not tell colours apart. */
  readonly series: readonly string[];
}

/** After Okabe and Ito (2008), darker on white and lighter on black. */
export const themes: Readonly<Record<ThemeName, Theme>> = {
  light: {
    ground: '#ffffff',
    text: '#1b1f24',
    quiet: '#57606a',
    grid: '#d8dee4',
    suspect: '#9a5b00',
    failed: '#b3261e',
    series: [
      '#0060a8',
      '#a64200',
      '#00734f',
      '#8a3b74',
      '#6b5d00',
      '#1d6f8c',
      '#4b4b4b',
      '#7a2e00',
    ],
  },
  dark: {
    ground: '#14181d',
    text: '#f0f3f6',
    quiet: '#aab4be',
    grid: '#38414a',
    suspect: '#ffc453',
    failed: '#ff8a80',
    series: [
      '#6cb6ff',
      '#ff9f57',
      '#4fd1a5',
      '#e3a0cf',
      '#e6d35c',
      '#8fd3f0',
      '#c9d1d9',
      '#ffb59b',
    ],
  },
};

export const dashes = ['', '7 3', '2 3', '9 3 2 3', '12 4', '4 4', '1 4', '9 3 2 3 2 3'] as const;
