/**
 * Built-in limits of change by observed property, in its canonical unit. They say what instruments
 * and nature do, leniently: a suspect value should mostly be wrong. Ranges come from the catalogue.
 *
 * Sources: step per minute and least variability in an hour of air temperature (3 °C; 0.1 °C),
 * humidity (15 %; 1 %), pressure (2 hPa; 0.1 hPa), wind speed (20 m/s; 0.5 m/s) and radiation
 * (800 W/m²) are the WMO's guidelines for automatic stations (Zahumenský 2004, in WMO-No. 8); the
 * pairs suspect/erroneous follow them. All others are operating experience and can be overridden.
 */
export interface DefaultRule {
  /**
   * Greatest plausible step between two values a minute and an hour apart; between and beyond, a
   * power law joins them. Null: steps and spikes are natural or mean nothing.
   */
  readonly step: { readonly minute: number; readonly hour: number; readonly fail: number } | null;
  /** Null: a constant value is natural. `failHours` null: never worse than suspect. */
  readonly flat: {
    readonly tolerance: number;
    readonly suspectMinutes: number;
    readonly failHours: number | null;
    readonly naturalAtMost?: number;
    readonly naturalAtLeast?: number;
  } | null;
}

type Step = DefaultRule['step'];
type Flat = DefaultRule['flat'];

/** `fail`: a step so many times as large fails; Infinity: never. */
function step(minute: number, hour: number, fail = Number.POSITIVE_INFINITY): Step {
  return { minute, hour, fail };
}

function flat(
  tolerance: number,
  suspectMinutes: number,
  failHours: number | null = null,
  natural: { readonly naturalAtMost?: number; readonly naturalAtLeast?: number } = {},
): Flat {
  return { tolerance, suspectMinutes, failHours, ...natural };
}

const none: DefaultRule = { step: null, flat: null };
/** Ambient gases and dust: steep by nature, and constant only near zero. */
function ambient(minute: number, hour: number, zero: number): DefaultRule {
  return { step: step(minute, hour), flat: flat(0, 360, null, { naturalAtMost: zero }) };
}
/** Analysers of water work in batches of minutes to hours and repeat the last result between. */
function analysed(minute: number, hour: number): DefaultRule {
  return { step: step(minute, hour), flat: flat(0, 1_440, null, { naturalAtMost: 0 }) };
}

const temperature: DefaultRule = { step: step(3, 12, 3), flat: flat(0.05, 60, 24) };
const defaults = new Map<string, DefaultRule>([
  // Weather.
  ['air-temperature', temperature],
  ['dew-point', { step: step(4, 12, 3), flat: flat(0.05, 60, 24) }],
  ['wet-bulb-temperature', temperature],
  ['black-globe-temperature', { step: step(10, 30, 3), flat: flat(0.05, 120, 24) }],
  ['heat-index', { step: step(5, 20, 3), flat: flat(0.05, 120, 24) }],
  [
    'relative-humidity',
    { step: step(15, 50, 1.9), flat: flat(0.5, 60, 24, { naturalAtLeast: 97 }) },
  ],
  ['air-pressure', { step: step(2, 6, 4), flat: flat(0.05, 60, 24) }],
  ['air-pressure-sea-level', { step: step(2, 6, 4), flat: flat(0.05, 60, 24) }],
  ['wind-speed', { step: step(20, 20, 2), flat: flat(0.25, 60, 24, { naturalAtMost: 0.5 }) }],
  ['wind-gust', { step: step(30, 30, 2), flat: flat(0.25, 60, 24, { naturalAtMost: 1 }) }],
  // In a calm the vane rests, and a single series cannot know it: only half a day is too long.
  ['wind-direction', { step: null, flat: flat(0, 720, null, { naturalAtMost: 0 }) }],
  ['rainfall', none],
  ['rain-rate', none],
  ['solar-radiation', { step: step(800, 1_000), flat: flat(0, 180, 24, { naturalAtMost: 5 }) }],
  ['net-radiation', { step: step(800, 1_000), flat: flat(0, 360, 24) }],
  ['longwave-radiation', { step: step(100, 200), flat: flat(0, 360, 24) }],
  [
    'photosynthetic-radiation',
    { step: step(1_800, 2_200), flat: flat(0, 180, 24, { naturalAtMost: 10 }) },
  ],
  ['illuminance', { step: null, flat: flat(0, 360, null, { naturalAtMost: 10 }) }],
  ['uv-index', { step: step(8, 12), flat: flat(0, 360, null, { naturalAtMost: 0.5 }) }],
  ['visibility', none],
  ['cloud-cover', none],
  ['cloud-base-height', none],
  ['snow-depth', none],
  ['sunshine-duration', none],
  ['evaporation', none],
  ['leaf-wetness', none],
  ['lightning-count', none],
  // Air.
  ['pm1', ambient(120, 150, 2)],
  ['pm2.5', ambient(150, 200, 2)],
  ['pm10', ambient(300, 400, 4)],
  ['tsp', ambient(600, 800, 4)],
  ['black-carbon', ambient(50, 80, 0.1)],
  ['o3', ambient(80, 120, 5)],
  ['no', ambient(300, 500, 3)],
  ['no2', ambient(150, 200, 3)],
  ['nox', ambient(500, 800, 3)],
  ['so2', ambient(200, 300, 6)],
  ['nh3', ambient(300, 500, 3)],
  ['h2s', ambient(200, 400, 2)],
  ['co', ambient(10, 12, 0.2)],
  ['co2', { step: step(1_000, 2_000), flat: flat(0, 360, 24) }],
  ['ch4', ambient(20, 50, 0)],
  ['benzene', ambient(50, 100, 1)],
  ['toluene', ambient(200, 400, 1)],
  ['xylene', ambient(200, 400, 1)],
  ['formaldehyde', ambient(100, 200, 1)],
  ['tvoc', ambient(2_000, 4_000, 5)],
  ['gamma-dose-rate', { step: step(200, 300), flat: flat(0, 360, 24) }],
  // Stacks and their flue gas: processes start and stop.
  ...['stack-no', 'stack-no2', 'stack-nox', 'stack-so2', 'stack-co'].map(
    (gas): [string, DefaultRule] => [gas, analysed(500, 1_500)],
  ),
  ...['stack-h2s', 'stack-hcl', 'stack-hf', 'stack-nh3'].map((gas): [string, DefaultRule] => [
    gas,
    analysed(100, 300),
  ]),
  ['stack-dust', analysed(200, 500)],
  ['stack-mercury', analysed(100, 300)],
  ['stack-oxygen', { step: step(15, 21), flat: flat(0, 360) }],
  ['stack-flow', none],
  ['stack-temperature', { step: step(100, 300), flat: flat(0, 360) }],
  ['stack-pressure', none],
  // Levels and flows. Rivers and tanks may rest for days at their resolution.
  ['water-level', { step: step(0.5, 3, 3), flat: flat(0, 1_440) }],
  ['tide-level', { step: step(0.5, 2, 3), flat: flat(0, 180, 12) }],
  ['reservoir-level', { step: step(0.5, 2, 3), flat: flat(0, 1_440) }],
  ['reservoir-tailwater-level', { step: step(1, 5, 3), flat: flat(0, 1_440) }],
  ['groundwater-level', { step: step(0.5, 3, 3), flat: null }],
  ['groundwater-depth', { step: step(0.5, 3, 3), flat: null }],
  ['sewer-level', { step: step(1, 4), flat: flat(0, 1_440) }],
  [
    'street-flood-depth',
    { step: step(0.5, 1.5), flat: flat(0, 720, null, { naturalAtMost: 0.02 }) },
  ],
  ['discharge', { step: null, flat: flat(0, 1_440, null, { naturalAtMost: 0 }) }],
  ['flow-velocity', { step: step(3, 4), flat: flat(0, 1_440, null, { naturalAtMost: 0 }) }],
  ['wave-height', { step: step(5, 8), flat: flat(0, 360, 24, { naturalAtMost: 0.05 }) }],
  ['wave-period', { step: null, flat: flat(0, 720) }],
  ['wave-direction', { step: null, flat: flat(0, 720) }],
  // Gates and pumps are set by people and stay as set.
  ['reservoir-storage', none],
  ['reservoir-inflow', none],
  ['reservoir-outflow', none],
  ['turbine-discharge', none],
  ['spillway-discharge', none],
  ['environmental-flow', none],
  ['abstraction-flow', none],
  ['abstraction-volume', none],
  ['wastewater-flow', none],
  ['wastewater-volume', none],
  // Quality of water by probes.
  ['water-temperature', { step: step(1, 4, 3), flat: flat(0, 720) }],
  ['sea-surface-temperature', { step: step(2, 4, 3), flat: flat(0, 720) }],
  ['ph', { step: step(0.5, 1.5, 3), flat: flat(0, 720) }],
  ['dissolved-oxygen', { step: step(1.5, 4, 3), flat: flat(0, 720, null, { naturalAtMost: 0.1 }) }],
  ['oxygen-saturation', { step: step(25, 60, 2), flat: flat(0, 720, null, { naturalAtMost: 1 }) }],
  ['conductivity', { step: step(500, 5_000), flat: flat(0, 720) }],
  ['salinity', { step: step(2, 10), flat: flat(0, 720, null, { naturalAtMost: 0.1 }) }],
  ['tds', { step: step(400, 4_000), flat: flat(0, 720) }],
  ['redox-potential', { step: step(150, 400), flat: flat(0, 720) }],
  ['turbidity', { step: step(100, 400), flat: flat(0, 720, null, { naturalAtMost: 0 }) }],
  ['colour', analysed(200, 500)],
  ['uv254', analysed(50, 150)],
  ['chlorophyll-a', analysed(50, 150)],
  ['phycocyanin', analysed(50, 150)],
  ['secchi-depth', none],
  // Quality of water by analysers.
  ['tss', analysed(300, 800)],
  ['cod', analysed(200, 400)],
  ['cod-permanganate', analysed(50, 100)],
  ['bod5', analysed(100, 200)],
  ['toc', analysed(100, 200)],
  ['doc', analysed(50, 100)],
  ['ammonium', analysed(20, 50)],
  ['nitrate', analysed(20, 50)],
  ['nitrite', analysed(5, 20)],
  ['phosphate', analysed(10, 30)],
  ['total-nitrogen', analysed(50, 100)],
  ['total-phosphorus', analysed(20, 50)],
  ['chloride', analysed(500, 3_000)],
  ['sulfate', analysed(200, 500)],
  ['fluoride', analysed(5, 10)],
  ['hardness', analysed(200, 500)],
  ['alkalinity', analysed(100, 300)],
  ['free-chlorine', analysed(2, 5)],
  ['cyanide', analysed(1, 2)],
  ['oil', analysed(20, 50)],
  ['phenol', analysed(1, 2)],
  // Traces of metals and microbes are sampled too rarely for steps.
  ...['arsenic', 'cadmium', 'lead', 'mercury', 'copper', 'zinc', 'nickel', 'manganese', 'iron'].map(
    (metal): [string, DefaultRule] => [metal, none],
  ),
  ['chromium-vi', none],
  ['coliform', none],
  ['e-coli', none],
  // Noise.
  ['noise-laeq', { step: step(50, 60), flat: flat(0, 120, 24) }],
  ['noise-lamax', { step: step(70, 80), flat: flat(0, 180, 24) }],
  ['noise-lamin', { step: step(50, 60), flat: flat(0, 360, 24) }],
  ['noise-la10', { step: step(50, 60), flat: flat(0, 180, 24) }],
  ['noise-la50', { step: step(50, 60), flat: flat(0, 180, 24) }],
  ['noise-la90', { step: step(50, 60), flat: flat(0, 360, 24) }],
  ['vibration-velocity', none],
  // Soil: a day without any change is common below ten centimetres.
  ['soil-moisture', { step: step(30, 50), flat: null }],
  ['soil-temperature', { step: step(2, 8, 3), flat: null }],
  ['soil-conductivity', none],
  ['soil-ph', none],
  ['soil-water-tension', none],
  ['soil-heat-flux', none],
  // The station itself.
  ['battery-voltage', none],
  ['battery-level', none],
  ['solar-voltage', none],
  ['supply-current', none],
  ['enclosure-temperature', none],
  ['enclosure-humidity', none],
  ['signal-strength', none],
  ['signal-noise-ratio', none],
  ['uptime', none],
]);

/** The built-in limits of a property; one that is not in the table has none beside its range. */
export function defaultRuleOf(property: string): DefaultRule {
  return defaults.get(property) ?? none;
}

/** Ids of all properties in the table. */
export function propertiesWithRules(): Iterable<string> {
  return defaults.keys();
}
