import type { FieldType } from "../../src/realtime/records/collection.ts";
import type { Situation } from "./filter-cases.ts";
import {
  type Comparison,
  type FilterNode,
  type Member,
  OPERATORS,
  type Operand,
  type Operator,
  type PlainOperator,
} from "./filter-oracle/tree.ts";
import type { Random } from "./random.ts";
import { randomSituation } from "./random-records.ts";

/** A situation and a filter for it. */
export interface RandomFilter {
  readonly situation: Situation;
  readonly filter: FilterNode;
}

/** Paths in a JSON field. Most of them exist in some document of `randomSituation`. */
const JSON_PATHS =
  "a arr arr.0 arr.01 arr.1 arr.3.k arr:length b e f missing n num o o.p.q s s:lower 0 1 a.b".split(
    " ",
  );

const MACROS = (
  "@now @yesterday @tomorrow @todayStart @todayEnd @monthStart @monthEnd @yearStart @yearEnd " +
  "@second @minute @hour @day @month @weekday @year"
).split(" ");

const TEXTS = [
  "",
  "a",
  "A",
  "b",
  "1",
  "1.0",
  "10",
  " 5 ",
  "5",
  "a_",
  "a%",
  "%b",
  "_",
  "%",
  "__",
  "a\\",
  "\\",
  "\\%",
  "é",
  "É",
  "😀",
  "'",
  '"',
  "true",
  "null",
  "[",
  "2023",
  "x\ny",
  "1e0",
  "+5",
  ".5",
  "5.",
  "k",
  "0x1",
  "1.0e+21",
];

const NUMBERS = ["0", "1", "1.0", "-1", "-0.5", "-.5", "007", "1.50", "2", "2.5", "5", "9", "10"];
const RARE_NUMBERS = ["1000000000000000000000", "123456789012", "23.2", "0.1"];

const REQUEST_NAMES = (
  "@request.context @request.method @request.body.t @request.auth.id @request.auth.email " +
  "@request.auth.verified @request.auth.role @request.auth.role:lower @request.auth.level " +
  "@request.auth.groups:each @request.auth.groups:length @request.auth.missing @request.query.k " +
  "@request.query.k:lower @request.query.k:isset @request.query.n @request.query.none " +
  "@request.query.none:isset @request.headers.x_token"
).split(" ");

const name = (text: string): Operand => ({ kind: "name", name: text });

/** Draws a filter of one to six comparisons, and a record that some of its values come from. */
export function randomFilter(random: Random, situation = randomSituation(random)): RandomFilter {
  const makers = new Operands(random, situation);
  return { situation, filter: randomGroup(random, makers, 0) };
}

function randomGroup(random: Random, operands: Operands, depth: number): FilterNode {
  const count = depth === 0 && random.chance(0.4) ? 1 : random.between(1, 3);
  const members = Array.from({ length: count }, (_, index): Member => {
    const nested = depth < 2 && random.chance(0.25);
    return {
      join: index === 0 || random.chance(0.5) ? "&&" : "||",
      node: nested ? randomGroup(random, operands, depth + 1) : operands.comparison(),
    };
  });
  return { kind: "group", members };
}

class Operands {
  readonly #random: Random;
  readonly #situation: Situation;
  readonly #names: string[];
  readonly #values: (string | number)[];

  constructor(random: Random, situation: Situation) {
    this.#random = random;
    this.#situation = situation;
    this.#names = Object.entries(fieldTypes(situation)).flatMap(([field, type]) =>
      namesOf(field, type),
    );
    this.#values = scalars(situation.record).filter((value) => !/[\t\r\0]/.test(String(value)));
  }

  comparison(): Comparison {
    const operator = this.#operator();
    const field = this.#field();
    const other = this.#random.chance(0.35) ? this.#field() : this.#value();
    const [left, right] = this.#random.chance(0.75) ? [field, other] : [other, field];
    if (isAccident(operator, right)) return this.comparison();
    return { kind: "comparison", left, operator, right };
  }

  #operator(): Operator {
    const weighted = this.#random.chance(0.5) ? (["=", "!=", "~"] as const) : OPERATORS;
    const plain: PlainOperator = this.#random.pick<PlainOperator>(weighted);
    return this.#random.chance(0.3) ? `?${plain}` : plain;
  }

  #field(): Operand {
    if (this.#situation.mode === "rule" && this.#random.chance(0.3)) {
      return name(this.#random.pick(REQUEST_NAMES));
    }
    if (this.#random.chance(0.03)) return this.#call();
    return name(this.#random.pick(this.#names));
  }

  #value(): Operand {
    const random = this.#random;
    if (random.chance(0.45) && this.#values.length > 0) return this.#fromRecord();
    if (random.chance(0.1)) return name(random.pick(MACROS));
    if (random.chance(0.15)) return name(random.pick(["true", "false", "null", "True", "NULL"]));
    if (random.chance(0.6)) return { kind: "text", value: random.pick(TEXTS) };
    const numbers = random.chance(0.9) ? NUMBERS : RARE_NUMBERS;
    return { kind: "number", digits: random.pick(numbers) };
  }

  /** A value of the record, or a part of it. */
  #fromRecord(): Operand {
    const value = this.#random.pick(this.#values);
    if (typeof value === "string") {
      const characters = [...value];
      const from = this.#random.chance(0.7) ? 0 : this.#random.between(0, characters.length);
      return { kind: "text", value: characters.slice(from).join("") };
    }
    if (this.#random.chance(0.3) || /e/.test(String(value))) {
      return { kind: "text", value: String(value) };
    }
    return { kind: "number", digits: String(value) };
  }

  #call(): Operand {
    const random = this.#random;
    if (random.chance(0.5) && this.#names.includes("p.lon")) {
      const args = ["p.lon", "p.lat"].map(name);
      const numbers: Operand[] = ["10", "20.5"].map((digits) => ({ kind: "number", digits }));
      return { kind: "call", name: "geoDistance", args: [...args, ...numbers] };
    }
    const format: Operand = { kind: "text", value: random.pick(["%Y", "%m", "%d/%m", "%H:%M"]) };
    const time = name(random.pick(this.#names.filter((field) => ["d", "t"].includes(field))));
    return { kind: "call", name: "strftime", args: [format, time] };
  }
}

/**
 * Comparisons whose SQL does not mean what they say. `x != y:isset` becomes `x IS NOT TRUE`, which asks whether x is a true
 * value. The numbers of a distance on the right of `~` become patterns, and the distance null.
 */
function isAccident(operator: Operator, right: Operand): boolean {
  const isTruthTest = /^\??!?=$/.test(operator) && nameOf(right).endsWith(":isset");
  const isDistance = right.kind === "call" && right.name === "geoDistance";
  return isTruthTest || (isDistance && operator.endsWith("~"));
}

function nameOf(operand: Operand): string {
  return operand.kind === "name" ? operand.name : "";
}

/** The types of the record's fields: the declared ones, or those of `randomSituation` that values show. */
function fieldTypes({ record, schema }: Situation): Record<string, FieldType> {
  const guessed = Object.entries(record).map(([field, value]): [string, FieldType] => {
    if (typeof value === "string") return [field, "text"];
    if (typeof value === "number") return [field, "number"];
    if (typeof value === "boolean") return [field, "bool"];
    return [field, Array.isArray(value) ? "select[]" : "json"];
  });
  return { ...Object.fromEntries(guessed), ...schema };
}

/** How a filter can name a field of the type. A modifier that does not apply to a type is ignored. */
function namesOf(field: string, type: FieldType): string[] {
  const each = [`${field}:each`, `${field}:each`, `${field}:length`];
  if (type === "json") return [field, ...JSON_PATHS.map((path) => `${field}.${path}`)];
  if (type === "geoPoint") return [field, `${field}.lon`, `${field}.lat`, `${field}.x`];
  if (type === "relation") return [field, field, `${field}.id`, ...each];
  if (type === "relation[]") return [field, `${field}.id`, `${field}.id`, ...each];
  if (type.endsWith("[]")) return [field, ...each, ...each, `${field}:lower`];
  if (type === "select") return [field, ...each, `${field}:lower`];
  if (type === "text") return [field, field, field, field, `${field}:lower`, `${field}:length`];
  return [field, field, field, `${field}:lower`];
}

/** The texts and numbers in a value. */
function scalars(value: unknown): (string | number)[] {
  if (typeof value === "string" || typeof value === "number") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(scalars);
}
