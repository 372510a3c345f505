import { isObject } from "../is-object.ts";
import { excerpt } from "./excerpt.ts";
import { type FieldPath, parseFields } from "./parse-fields.ts";

/**
 * Compiles PocketBase's `fields` option (tools/picker/pick.go): a comma-separated list of the paths that a record keeps.
 *
 * - `author` keeps the key, `expand.author.name` keeps one key of an object. Names are case-sensitive.
 * - `*` keeps the keys of its level that no other path begins with: `*,expand.author.name`.
 * - A shorter path wins over a longer one. `author.name` keeps all of `author` if its value is not an object.
 * - An array whose first element is an object is picked from element by element. Any other array is kept.
 * - `:excerpt(max)` makes plain text of at most `max` code points (1 to 1,000,000) from HTML; `:excerpt(max, true)` appends
 *   "..." if the text is cut. Other values than strings are kept.
 *
 * If the list names nothing (`" "`, `","`), everything is kept.
 *
 * The returned function takes a JSON value, never throws and never changes it. What it returns shares unchanged parts with the
 * value, or is the value. It takes time linear in the size of the value.
 *
 * @param text At most 2,500 characters and 200 paths of at most 20 names.
 * @throws {RealtimeError} `invalid_fields` with `position`
 *
 * @example
 * pickFields("id,text:excerpt(5,true)")({ id: "1", text: "<p>Hello there</p>", author: "2" });
 * // { id: "1", text: "Hello..." }
 */
export function pickFields(text: string): (value: unknown) => unknown {
  const paths = parseFields(text);
  if (paths.length === 0) return (value) => value;
  const root = newLevel();
  for (const path of paths) addPath(root, path);
  return (value) => pick(value, root);
}

/** What is done with a value that is kept. */
type Keep = (value: unknown) => unknown;

/** The paths that begin with the same names. */
interface Level {
  /** Set if a path ends here. */
  keep?: Keep | undefined;
  /** Set if a path ends with `*` below here. */
  keepOthers?: Keep | undefined;
  readonly next: Map<string, Level>;
}

function newLevel(): Level {
  return { next: new Map() };
}

/** If a path is there twice, the last one counts. */
function addPath(root: Level, path: FieldPath): void {
  const keep = keepOf(path);
  let level = root;
  path.names.forEach((name, index) => {
    const isLast = index === path.names.length - 1;
    if (isLast && path.wildcard) level.keepOthers = keep;
    const next = level.next.get(name) ?? newLevel();
    level.next.set(name, next);
    level = next;
  });
  level.keep = keep;
}

function keepOf({ excerpt: limits }: FieldPath): Keep {
  if (limits === undefined) return (value) => value;
  const { max, dots } = limits;
  return (value) => (typeof value === "string" ? excerpt(value, max, dots) : value);
}

function pick(value: unknown, level: Level): unknown {
  if (isObject(value)) return pickFromRecord(value, level);
  if (!Array.isArray(value) || !isObject(value[0])) return value;
  const picked = value.map((item: unknown) =>
    isObject(item) ? pickFromRecord(item, level) : item,
  );
  return picked.every((item, index) => item === value[index]) ? value : picked;
}

function pickFromRecord(record: Record<string, unknown>, level: Level): Record<string, unknown> {
  let changed = false;
  const kept: [string, unknown][] = [];
  // Own keys only: `__proto__` and `constructor` are keys of a record like any other, if it has them.
  for (const [key, value] of Object.entries(record)) {
    const below = levelOf(level, key);
    const keep = below === undefined ? level.keepOthers : below.keep;
    if (below === undefined && keep === undefined) {
      changed = true;
      continue;
    }
    const picked = keep === undefined && below !== undefined ? pick(value, below) : keep?.(value);
    changed ||= picked !== value;
    kept.push([key, picked]);
  }
  // Object.fromEntries defines own properties, so the key `__proto__` does not set a prototype.
  return changed ? Object.fromEntries(kept) : record;
}

/** Returns the level of a key. The path `a.b` means the key `b` of `a`, and as in PocketBase also the key `a.b`. */
function levelOf(level: Level, key: string): Level | undefined {
  if (!key.includes(".")) return level.next.get(key);
  let found: Level | undefined = level;
  let start = 0;
  while (found !== undefined && start <= key.length) {
    const dot = key.indexOf(".", start);
    const end = dot === -1 ? key.length : dot;
    found = found.next.get(key.slice(start, end));
    start = end + 1;
  }
  return found;
}
