import { describe, expect, it } from "vitest";
import { casesFromOutside, type OutsideCase } from "../../support/cases-from-outside.ts";
import { readFieldCases } from "../../support/read-filter-cases.ts";
import { openStream } from "../../support/sse-client.ts";
import { subscriptionKey } from "../../support/subscription-key.ts";
import { type Headers, type RecordsWorld, userWith } from "./context.ts";

/** The rules of the shared cases, each for a collection of its own. */
export const CASE_RULES = Object.fromEntries(
  casesFromOutside("rule").map(({ collection, filter }) => [collection, { listRule: filter }]),
);

export function caseTests(world: RecordsWorld): void {
  /** Returns the cases whose answer is wrong: true if the key received the case's record. */
  const wrongCases = async (
    cases: readonly OutsideCase[],
    keyOf: (filterCase: OutsideCase) => string,
    headers: Headers,
  ) => {
    const client = await openStream(world.url, { headers });
    expect((await world.subscribe(client, cases.map(keyOf), headers)).status).toBe(204);
    await world.publish(...cases.map(({ event }) => event));
    const names = new Set((await world.heard(client)).map(([event]) => event));
    client.close();
    return cases.filter((one) => names.has(keyOf(one)) !== (one.expect === true));
  };
  const filterKey = ({ collection, filter }: OutsideCase) =>
    subscriptionKey(`${collection}/*`, { filter });

  describe("the shared cases", () => {
    it("of filters have PocketBase's answers", async () => {
      const cases = casesFromOutside("client").filter((one) => one.expect !== "error");
      expect(cases.length).toBeGreaterThan(300);
      expect(await wrongCases(cases, filterKey, {})).toEqual([]);
    });

    it("of invalid filters are refused, or receive nothing", async () => {
      const invalid = casesFromOutside("client").filter((one) => one.expect === "error");
      const client = await openStream(world.url);
      const accepted: OutsideCase[] = [];
      for (const one of invalid) {
        const { status } = await world.subscribe(client, [filterKey(one)]);
        expect([one.filter, status]).toEqual([one.filter, status === 204 ? 204 : 400]);
        if (status === 204) accepted.push(one);
      }
      expect(accepted.length).toBeLessThan(invalid.length / 2);
      expect(await wrongCases(accepted, filterKey, {})).toEqual([]);
    });

    it("of rules have PocketBase's answers", async () => {
      const cases = casesFromOutside("rule");
      expect(cases.length).toBeGreaterThan(40);
      for (const auth of new Set(cases.map((one) => JSON.stringify(one.auth ?? null)))) {
        const same = cases.filter((one) => JSON.stringify(one.auth ?? null) === auth);
        const headers = auth === "null" ? {} : await userWith(JSON.parse(auth));
        const keyOf = ({ collection, query, headers }: OutsideCase) => {
          // A rule may read it, but here it would also be the client's filter.
          const { filter: _, ...others } = query ?? {};
          return subscriptionKey(`${collection}/*`, others, headers);
        };
        expect(await wrongCases(same, keyOf, headers)).toEqual([]);
      }
    });

    it("of fields have PocketBase's answers, and invalid fields are refused", async () => {
      const cases = readFieldCases().map((one, index) => ({
        ...one,
        topic: `fields-case-${index}`,
      }));
      const keyOf = ({ topic, fields }: (typeof cases)[number]) =>
        subscriptionKey(topic, { fields });
      const [valid, invalid] = [true, false].map((isValid) =>
        cases.filter((one) => (one.expect !== "error") === isValid),
      ) as [typeof cases, typeof cases];
      const client = await world.listen([]);
      for (const one of invalid) {
        expect([one.fields, (await world.subscribe(client, [keyOf(one)])).status]).toEqual([
          one.fields,
          400,
        ]);
      }
      expect((await world.subscribe(client, valid.map(keyOf))).status).toBe(204);
      await world.publish(...valid.map(({ topic, record }) => ({ topic, data: record })));
      expect(await world.heard(client)).toEqual(valid.map((one) => [keyOf(one), one.expect]));
    });
  });
}
