import { describe, expect, it } from "vitest";
import { seededRandom } from "../support/random.ts";
import { judge, median, type Sample } from "./judge.ts";
import { readSettings } from "./settings.ts";

const MB = 1024 * 1024;
const CONNECTS = 700;

/** Rounds of a service that warms up and then has some noise, with an addition for each round. */
function rounds(count: number, add: (round: number) => Partial<Sample> = () => ({})): Sample[] {
  const random = seededRandom(1);
  return Array.from({ length: count }, (_, round) => {
    const warmUp = Math.min(round, 3) * 2 * MB;
    const more = add(round);
    return {
      at: round * 20,
      connects: (round + 1) * CONNECTS,
      messages: round * 1000,
      rss: 100 * MB + warmUp + random.between(0, 4 * MB) + (more.rss ?? 0),
      heap: 20 * MB + warmUp + random.between(0, 100_000) + (more.heap ?? 0),
      handles: 30 + random.between(0, 1) + (more.handles ?? 0),
      files: 40 + random.between(0, 1) + (more.files ?? 0),
      delay: random.between(10, 200),
    };
  });
}

const faultsOf = (samples: readonly Sample[]) =>
  judge(samples).flatMap(({ fault }) => (fault === undefined ? [] : [fault]));

describe("the judgement of a soak", () => {
  it.each([14, 90])("finds %i rounds with noise flat", (count) => {
    expect(judge(rounds(count))).toHaveLength(4);
    expect(faultsOf(rounds(count))).toEqual([]);
  });

  it.each([14, 90])("finds a leak of 1 KB a stream in %i rounds", (count) => {
    const samples = rounds(count, (round) => ({ heap: round * CONNECTS * 1024 }));
    expect(faultsOf(samples)).toEqual([expect.stringMatching(/^bytes of heap .* grew by/)]);
  });

  it.each(["handles", "files"] as const)("finds %s that one stream in 100 leaves open", (field) => {
    const samples = rounds(14, (round) => ({ [field]: Math.floor((round * CONNECTS) / 100) }));
    expect(faultsOf(samples)).toHaveLength(1);
  });

  it("finds memory outside of the heap", () => {
    const samples = rounds(90, (round) => ({ rss: round * CONNECTS * 2048 }));
    expect(faultsOf(samples)).toEqual([expect.stringMatching(/^bytes of RSS grew by/)]);
  });

  it("says that a run was too short", () => {
    expect(faultsOf(rounds(5))).toEqual([expect.stringContaining("too few")]);
  });

  it("takes the middle value, or the mean of both middle values", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
  });
});

describe("the settings of a soak", () => {
  it("has defaults", () => {
    const settings = readSettings({ SOAK_SEED: "7" });
    const expected = { minutes: 30, runtime: "node", isCluster: false, seed: 7, leak: 0 };
    expect(settings).toEqual(expected);
  });

  it.each([
    ["SOAK_MINUTES", "soon"],
    ["SOAK_MINUTES", "1"],
    ["SOAK_RUNTIME", "deno"],
    ["SOAK_REDIS", "yes"],
    ["SOAK_SEED", "-1"],
    ["SOAK_LEAK", "much"],
  ])("names %s if it is %s", (name, value) => {
    expect(() => readSettings({ [name]: value })).toThrow(`${name} must be`);
  });

  it("refuses a leak on Bun, which could not be made", () => {
    expect(() => readSettings({ SOAK_RUNTIME: "bun", SOAK_LEAK: "1" })).toThrow("no effect on Bun");
  });
});
