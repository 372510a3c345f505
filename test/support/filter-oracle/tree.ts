/** A value in a comparison. `name` is a field, a macro, a literal such as `true`, or a path below `@request`. */
export type Operand =
  | { readonly kind: "text"; readonly value: string }
  | { readonly kind: "number"; readonly digits: string }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "call"; readonly name: string; readonly args: readonly Operand[] };

export const OPERATORS = ["=", "!=", ">", ">=", "<", "<=", "~", "!~"] as const;

export type PlainOperator = (typeof OPERATORS)[number];

/** A question mark makes an operator true if one element of a list satisfies it. */
export type Operator = PlainOperator | `?${PlainOperator}`;

export interface Comparison {
  readonly kind: "comparison";
  readonly left: Operand;
  readonly operator: Operator;
  readonly right: Operand;
}

/** One member of a group. `join` stands in front of it, and is `&&` in the first member. */
export interface Member {
  readonly join: "&&" | "||";
  readonly node: FilterNode;
}

export interface Group {
  readonly kind: "group";
  readonly members: readonly Member[];
}

export type FilterNode = Comparison | Group;

/** The text of a filter. */
export function printFilter(node: FilterNode): string {
  return node.kind === "group" ? printMembers(node) : printNode(node);
}

function printMembers(group: Group): string {
  return group.members
    .map(({ join, node }, index) => (index === 0 ? printNode(node) : ` ${join} ${printNode(node)}`))
    .join("");
}

function printNode(node: FilterNode): string {
  if (node.kind === "group") return `(${printMembers(node)})`;
  return `${printOperand(node.left)} ${node.operator} ${printOperand(node.right)}`;
}

export function printOperand(operand: Operand): string {
  if (operand.kind === "text") return printText(operand.value);
  if (operand.kind === "number") return operand.digits;
  if (operand.kind === "name") return operand.name;
  return `${operand.name}(${operand.args.map(printOperand).join(", ")})`;
}

/**
 * Double quotes are escaped as in JSON, which is how the SDK quotes texts since version 0.27.2. Single quotes are the older form.
 * Backslashes mean the same in all versions of the grammar only in JSON's form.
 */
function printText(value: string): string {
  if (/[\\\n"]/.test(value) === false) return `'${value.replaceAll("'", "\\'")}'`;
  if (value.includes("'") || /[\\\n]/.test(value)) return JSON.stringify(value);
  return `'${value}'`;
}
