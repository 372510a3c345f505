import { describe, expect, it } from "vitest";
import { geoDistance } from "../../../../src/realtime/records/geo-distance.ts";

type Case = readonly [lonA: number, latA: number, lonB: number, latB: number, kilometres: number];

/** Answers of SQLite 3.54.1 (the npm package sql.js 1.16.0, with SQLite's own functions) to PocketBase's SQL. */
const CASES: readonly Case[] = [
  [0, 0, 0, 0, 0],
  [0, 0, 180, 0, 20015.086796020572],
  [0, 90, 0, -90, 20015.086796020572],
  [23.3219, 42.6977, 24.7453, 42.1354, 132.5222048181718],
  [2.3522, 48.8566, -0.1276, 51.5072, 343.52986549491817],
  [139.6917, 35.6895, -122.4194, 37.7749, 8270.714140759768],
  [179.9, 0, -179.9, 0, 22.238985328890866],
  [151.2093, -33.8688, -70.6693, -33.4489, 11346.715121335079],
  // Neither PocketBase nor SQLite checks the range of degrees.
  [0, 0, 0, 91, 10118.738324654845],
  [720, 0, 0, 0, 0],
];

describe("geoDistance", () => {
  // The last digits of sines and cosines depend on the runtime.
  it("is SQLite's answer to PocketBase's SQL, within a millimetre", () => {
    for (const [lonA, latA, lonB, latB, kilometres] of CASES) {
      const distance = geoDistance(lonA, latA, lonB, latB);
      expect(Math.abs((distance ?? Number.NaN) - kilometres), `${lonA} ${latA}`).toBeLessThan(1e-6);
    }
  });

  it("is the same in both directions", () => {
    for (const [lonA, latA, lonB, latB] of CASES) {
      expect(geoDistance(lonB, latB, lonA, latA)).toBe(geoDistance(lonA, latA, lonB, latB));
    }
  });

  it("from a point to itself is less than a metre, or null where the cosine is rounded above 1", () => {
    const distances = [];
    for (let lon = -179.95; lon < 180; lon += 7.3) {
      for (let lat = -89.95; lat < 90; lat += 1.7) distances.push(geoDistance(lon, lat, lon, lat));
    }
    expect(distances).toContain(null);
    expect(distances).toContain(0);
    for (const distance of distances) expect(distance ?? 0).toBeLessThan(0.001);
  });

  it("is null for a number that is not finite", () => {
    for (const number of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      expect(geoDistance(number, 0, 0, 0)).toBeNull();
      expect(geoDistance(0, number, 0, 0)).toBeNull();
      expect(geoDistance(0, 0, number, 0)).toBeNull();
      expect(geoDistance(0, 0, 0, number)).toBeNull();
    }
  });
});
