import { describe, expect, it } from "vitest";
import { BoundedCache } from "../../../../src/realtime/records/bounded-cache.ts";

function counting(max: number) {
  const created: string[] = [];
  const cache = new BoundedCache(max, (key) => {
    if (key === "bad") throw new Error("bad key");
    created.push(key);
    return { key };
  });
  return { cache, created };
}

describe("a bounded cache", () => {
  it("creates a value once while it is kept", () => {
    const { cache, created } = counting(2);
    expect(cache.get("a")).toBe(cache.get("a"));
    cache.get("b");
    cache.get("a");
    expect(created).toEqual(["a", "b"]);
  });

  it("removes the value that was used least recently", () => {
    const { cache, created } = counting(2);
    for (const key of ["a", "b", "a", "c", "a", "b", "c"]) cache.get(key);
    expect(created).toEqual(["a", "b", "c", "b", "c"]);
  });

  it("keeps values up to a size, and the newest whatever its size", () => {
    const created: string[] = [];
    const create = (key: string) => created.push(key);
    const cache = new BoundedCache(10, create, { max: 6, of: (key) => key.length });
    for (const key of ["aaa", "bbb", "aaa", "c", "aaa", "bbb"]) cache.get(key);
    expect(created).toEqual(["aaa", "bbb", "c", "bbb"]);
    cache.get("more than six");
    cache.get("more than six");
    cache.get("bbb");
    expect(created.slice(4)).toEqual(["more than six", "bbb"]);
  });

  it("keeps nothing for a key whose value can't be created", () => {
    const { cache, created } = counting(1);
    cache.get("a");
    expect(() => cache.get("bad")).toThrow("bad key");
    cache.get("a");
    cache.get("__proto__");
    cache.get("__proto__");
    expect(created).toEqual(["a", "__proto__"]);
  });
});
