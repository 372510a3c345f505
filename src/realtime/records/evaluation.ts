import { charactersCompared, compare, type Truth } from "./compare.ts";
import { filterError } from "./filter-error.ts";
import { LikeMatcher } from "./like.ts";
import { CHARACTERS_PER_STEP, MAX_STEPS } from "./limits.ts";
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

  /** @throws RealtimeError `invalid_filter` if the record lacks a field, even if another comparison decides the result. */
  constructor(program: Program, view: RecordView, context: FilterContext) {
    this.#program = program;
    const hidesFields = program.mode === "client" && context.isAdmin !== true;
    const input = { view, context, now: timeOf(context.now), hidesFields };
    this.#operands = program.terms.map((term) => term.resolve(input));
    this.#values = this.#operands.map(({ value }) => value);
    this.#hidesEmail =
      hidesFields && view.collection.type === "auth" && view.record.emailVisibility !== true;
    this.#like = new LikeMatcher(view.lowerCase, (steps) => this.#spend(steps));
  }

  /** The number of steps so far. */
  get steps(): number {
    return MAX_STEPS - this.#stepsLeft;
  }

  run(): boolean {
    // Most filters read no list.
    if (this.#operands.every(({ elements }) => elements === undefined)) {
      return this.#isTrue(this.#program.root);
    }
    const lists = new Map<string, number[]>();
    for (const [index, { elements }] of this.#operands.entries()) {
      const list = this.#program.terms[index]?.list;
      if (elements === undefined || list === undefined) continue;
      const terms = lists.get(list);
      if (terms === undefined) lists.set(list, [index]);
      else terms.push(index);
    }
    return this.#someElements([...lists.values()], 0);
  }

  /**
   * Whether the filter is true for some combination of the lists' elements. Terms with one list share its element.
   *
   * @param lists For each list, the terms with its elements.
   */
  #someElements(lists: readonly (readonly number[])[], depth: number): boolean {
    const list = lists[depth];
    if (list === undefined) return this.#isTrue(this.#program.root);
    const count = this.#operands[list[0] ?? 0]?.elements?.length ?? 0;
    for (let index = 0; index < count; index++) {
      for (const term of list) this.#values[term] = this.#operands[term]?.elements?.[index] ?? null;
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
        if (node.readsEmail && this.#hidesEmail) {
          // Counted, because this may happen for many combinations of elements.
          this.#spend(1);
          return false;
        }
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

  /** @param isEvery Whether every element is checked. PocketBase then does not use `Operand.isExact` (`manyVsOneExpr`). */
  #compare(
    { operator, left, right }: CompiledComparison,
    a: Value,
    b: Value,
    isEvery = false,
  ): Truth {
    let [leftOperand, rightOperand] = [this.#operands[left], this.#operands[right]];
    if (leftOperand === undefined || rightOperand === undefined) return null;
    const characters = charactersCompared(operator, leftOperand, a, rightOperand, b);
    this.#spend(1 + Math.floor(characters / CHARACTERS_PER_STEP));
    if (isEvery) {
      if (leftOperand.isExact) leftOperand = { ...leftOperand, isExact: false };
      if (rightOperand.isExact) rightOperand = { ...rightOperand, isExact: false };
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
  if (typeof now === "number" && !Number.isNaN(now)) return now;
  const time = now === undefined ? Date.now() : new Date(now).getTime();
  return Number.isNaN(time) ? Date.now() : time;
}
