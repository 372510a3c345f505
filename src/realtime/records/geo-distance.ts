/** The radius of the Earth in kilometres, as PocketBase has it. */
const EARTH_RADIUS = 6371;

/**
 * Returns the distance of two points on the Earth, in kilometres: PocketBase's function `geoDistance`
 * (tools/search/token_functions.go), which is the spherical law of cosines, computed by SQLite.
 *
 * @param lonA Longitude of the first point in degrees.
 * @param latA Latitude of the first point in degrees.
 * @param lonB Longitude of the second point in degrees.
 * @param latB Latitude of the second point in degrees.
 * @returns Null where SQLite has NULL: for a number that is not finite, and for a cosine that rounding has made larger than 1.
 *   The latter can happen for a point and itself.
 */
export function geoDistance(lonA: number, latA: number, lonB: number, latB: number): number | null {
  const fromLatitude = radians(latA);
  const toLatitude = radians(latB);
  const longitudes = radians(lonB) - radians(lonA);
  const cosine =
    Math.cos(fromLatitude) * Math.cos(toLatitude) * Math.cos(longitudes) +
    Math.sin(fromLatitude) * Math.sin(toLatitude);
  const distance = EARTH_RADIUS * Math.acos(cosine);
  return Number.isNaN(distance) ? null : distance;
}

/** Divides before it multiplies, as SQLite's `radians` does: the other order gives other last digits. */
function radians(degrees: number): number {
  return degrees * (Math.PI / 180);
}
