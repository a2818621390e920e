/** A place on the globe, WGS 84 degrees. */
export interface Place {
  readonly latitude: number;
  readonly longitude: number;
}

/** Metres of one degree of latitude, and of longitude at the equator. */
const degreeMetres = 111_320;

/**
 * The place as the public may know it: moved to the middle of its cell in a fixed grid of about
 * `precisionMetres`, so that no number of questions reveals more. None means exactly.
 */
export function publicPlace(
  latitude: number,
  longitude: number,
  precisionMetres: number | undefined,
): Place {
  if (precisionMetres === undefined || precisionMetres <= 0) return { latitude, longitude };
  const step = Math.min(180, precisionMetres / degreeMetres);
  const rounded = clamp(Math.round(latitude / step) * step, 90);
  const shrink = Math.max(0.01, Math.cos((rounded * Math.PI) / 180));
  const stepLongitude = Math.min(360, step / shrink);
  return {
    latitude: readable(rounded),
    longitude: readable(clamp(Math.round(longitude / stepLongitude) * stepLongitude, 180)),
  };
}

/** Great-circle distance in metres, on a sphere of 6,371,008.8 m (IUGG mean radius). */
export function distanceMetres(from: Place, to: Place): number {
  const radians = Math.PI / 180;
  const halfLatitude = ((to.latitude - from.latitude) * radians) / 2;
  const halfLongitude = ((to.longitude - from.longitude) * radians) / 2;
  const chord =
    Math.sin(halfLatitude) ** 2 +
    Math.cos(from.latitude * radians) *
      Math.cos(to.latitude * radians) *
      Math.sin(halfLongitude) ** 2;
  return 2 * 6_371_008.8 * Math.asin(Math.min(1, Math.sqrt(chord)));
}

function clamp(degrees: number, bound: number): number {
  return Math.max(-bound, Math.min(bound, degrees));
}

/** Five decimals are about a metre. */
function readable(degrees: number): number {
  return Math.round(degrees * 100_000) / 100_000;
}
