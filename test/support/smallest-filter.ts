import type { Situation } from "./filter-cases.ts";
import type { FilterNode, Operand } from "./filter-oracle/tree.ts";
import type { RandomFilter } from "./random-filters.ts";

/** Takes parts of the pair away, one after the other, for as long as `fails` says that the rest still fails. */
export function smallestFailing(
  pair: RandomFilter,
  fails: (smaller: RandomFilter) => boolean,
): RandomFilter {
  const smaller = candidates(pair).find(fails);
  return smaller === undefined ? pair : smallestFailing(smaller, fails);
}

/** The pair without the fields and parameters that its filter does not name. */
export function withoutUnused({ situation, filter }: RandomFilter): RandomFilter {
  const [smaller] = smallerSituations(situation, filter);
  return smaller === undefined
    ? { situation, filter }
    : withoutUnused({ situation: smaller, filter });
}

function candidates({ situation, filter }: RandomFilter): RandomFilter[] {
  return [
    ...smallerNodes(filter).map((smaller) => ({ situation, filter: smaller })),
    ...smallerSituations(situation, filter).map((smaller) => ({ situation: smaller, filter })),
  ];
}

function smallerNodes(node: FilterNode): FilterNode[] {
  if (node.kind === "comparison") return [];
  const { members } = node;
  const alone = members.map((member) => member.node);
  const without = members.map((_, index): FilterNode => {
    return { kind: "group", members: members.filter((_member, other) => other !== index) };
  });
  const inside = members.flatMap((member, index) =>
    smallerNodes(member.node).map((smaller): FilterNode => {
      const changed = members.map((old, other) =>
        other === index ? { join: old.join, node: smaller } : old,
      );
      return { kind: "group", members: changed };
    }),
  );
  return [...alone, ...(members.length > 1 ? without : []), ...inside];
}

/** Situations without one field that the filter does not name, or without a part of the request that it does not ask about. */
function smallerSituations(situation: Situation, filter: FilterNode): Situation[] {
  const used = namesIn(filter);
  const { record, schema } = situation;
  const fields = Object.keys({ ...schema, ...record }).filter((field) => !used.has(field));
  const withoutField = fields.map((field): Situation => {
    const fewer = schema && without(schema, field);
    return { ...situation, record: without(record, field), schema: fewer };
  });
  const parts = PARTS.filter((part) => situation[part] !== undefined && !uses(part, used));
  return [...withoutField, ...parts.map((part) => without(situation, part))];
}

const PARTS = ["auth", "query", "headers", "now", "collectionType"] as const;

/** Macros need the time, and a collection of users matters to its emails. */
function uses(part: (typeof PARTS)[number], used: ReadonlySet<string>): boolean {
  if (part === "now") return [...used].some((name) => /^@(?!request$)/.test(name));
  return used.has(part === "collectionType" ? "email" : part);
}

function without<T extends object>(values: T, key: string): T {
  // Only properties that may be missing are taken away.
  return Object.fromEntries(Object.entries(values).filter(([name]) => name !== key)) as T;
}

function namesIn(node: FilterNode): Set<string> {
  if (node.kind === "group") {
    return new Set(node.members.flatMap((member) => [...namesIn(member.node)]));
  }
  return new Set([node.left, node.right].flatMap(namesInOperand));
}

function namesInOperand(operand: Operand): string[] {
  if (operand.kind === "call") return operand.args.flatMap(namesInOperand);
  return operand.kind === "name" ? operand.name.split(/[.:]/) : [];
}
