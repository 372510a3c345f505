import { compare, type Truth } from "./compare.ts";
import { filterError } from "./filter-error.ts";
import { LikeMatcher } from "./like.ts";
import { MAX_STEPS } from "./limits.ts";
import type { Operand } from "./operand.ts";
import type { CompiledComparison, CompiledNode, Program } from "./program.ts";
import type { RecordView } from "./record-view.ts";
import type { FilterContext } from "./request-view.ts";
import type { Value } from "./values.ts";

/** The evaluation of a filter for one record. */
export class Evaluation {
  readonly #program: Program;
  /** The operands of `Program.terms`. */
  readonly #operands: readonly Operand[];
  /** The current value of each operand. For a list with `:each`, the current element. */
  readonly #values: Value[];
  readonly #like: LikeMatcher;
  /** Whether an email that the filter reads is invisible: its comparisons are then false. */
  readonly #hidesEmail: boolean;
  /** For each comparison with a list: whether an element makes it false. Computed on first use. */
  readonly #refuted: (boolean | undefined)[] = [];
  #stepsLeft = MAX_STEPS;

  /** @throws RealtimeError `invalid_filter` if the record lacks a field, whatever stands beside it. */
  constructor(program: Program, view: RecordView, context: FilterContext) {
    this.#program = program;
    const hidesFields = program.mode === "client" && context.isAdmin !== true;
    const input = { view, context, now: timeOf(context.now), hidesFields };
    this.#operands = program.terms.map((term) => term.resolve(input));
    this.#values = this.#operands.map(({ value }) => value);
    this.#hidesEmail =
      hidesFields && view.collection.type === "auth" && view.record.emailVisibility !== true;
    this.#like = new LikeMatcher(program.patterns, view.lowerCase, (steps) => this.#spend(steps));
  }

  /** The number of steps so far. */
  get steps(): number {
    return MAX_STEPS - this.#stepsLeft;
  }

  run(): boolean {
    const lists = new Map<string, number[]>();
    for (const [index, { elements }] of this.#operands.entries()) {
      if (elements === undefined) continue;
      const name = this.#program.terms[index]?.listName ?? "";
      lists.set(name, [...(lists.get(name) ?? []), index]);
    }
    return this.#someElements([...lists.values()], 0);
  }

  /**
   * Whether the filter is true for some combination of the lists' elements. Terms that read the same list share its element.
   *
   * @param lists For each list, the indexes of its operands.
   */
  #someElements(lists: readonly (readonly number[])[], depth: number): boolean {
    const list = lists[depth];
    if (list === undefined) return this.#isTrue(this.#program.root);
    const length = this.#operands[list[0] ?? 0]?.elements?.length ?? 0;
    for (let element = 0; element < length; element++) {
      for (const index of list) {
        this.#values[index] = this.#operands[index]?.elements?.[element] ?? null;
      }
      if (this.#someElements(lists, depth + 1)) return true;
    }
    return false;
  }

  #isTrue(node: CompiledNode): boolean {
    switch (node.kind) {
      case "&&":
        return node.parts.every((part) => this.#isTrue(part));
      case "||":
        return node.parts.some((part) => this.#isTrue(part));
      default: {
        if (node.readsEmail && this.#hidesEmail) return false;
        const [a = null, b = null] = [this.#values[node.left], this.#values[node.right]];
        return this.#compare(node, a, b) === true && (node.isAny || !this.#isRefuted(node));
      }
    }
  }

  /** Whether some pair of elements makes a comparison false. A comparison without a list is never refuted. */
  #isRefuted(node: CompiledComparison): boolean {
    const left = this.#operands[node.left]?.elements;
    const right = this.#operands[node.right]?.elements;
    if (left === undefined && right === undefined) return false;
    this.#refuted[node.index] ??= (left ?? [this.#values[node.left] ?? null]).some((a) =>
      (right ?? [this.#values[node.right] ?? null]).some(
        (b) => this.#compare(node, a, b, true) === false,
      ),
    );
    return this.#refuted[node.index] === true;
  }

  /** @param isEvery Whether this is for the check of every element. PocketBase compares nothing exactly there (`manyVsOneExpr`). */
  #compare(
    { operator, left, right }: CompiledComparison,
    a: Value,
    b: Value,
    isEvery = false,
  ): Truth {
    this.#spend(1);
    let [leftOperand, rightOperand] = [this.#operands[left], this.#operands[right]];
    if (leftOperand === undefined || rightOperand === undefined) return null;
    if (isEvery) {
      leftOperand = { ...leftOperand, isExact: false };
      rightOperand = { ...rightOperand, isExact: false };
    }
    return compare(operator, leftOperand, a, rightOperand, b, this.#like);
  }

  #spend(steps: number): void {
    this.#stepsLeft -= steps;
    if (this.#stepsLeft >= 0) return;
    throw filterError(
      `The evaluation takes more than ${MAX_STEPS} steps. Use fewer :each lists, or shorter texts with ~.`,
      0,
    );
  }
}

function timeOf(now: FilterContext["now"]): number {
  const time = now === undefined ? Date.now() : new Date(now).getTime();
  return Number.isNaN(time) ? Date.now() : time;
}
