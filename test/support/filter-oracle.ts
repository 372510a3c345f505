import type { Situation } from "./filter-cases.ts";
import { columnTypes, isList, tableSql, textSql } from "./filter-oracle/columns.ts";
import { comparisonSql } from "./filter-oracle/comparison.ts";
import { InvalidFilter } from "./filter-oracle/fields.ts";
import { operandSql, type Scope } from "./filter-oracle/operand.ts";
import { parseFilter } from "./filter-oracle/parse.ts";
import { type FilterNode, printFilter } from "./filter-oracle/tree.ts";

/** Fields that every collection of users has. */
const AUTH_FIELDS = { email: "email", emailVisibility: "bool" } as const;

export interface FilterOracle {
  /** The version of SQLite. */
  readonly version: string;
  /**
   * Whether PocketBase would send the record. "error": PocketBase refuses the filter.
   *
   * @throws {NotExpressed} for what the oracle knows nothing about
   * @throws {Unparsed} for a text that is not in the plain part of the grammar
   */
  answer(situation: Situation, filter: FilterNode | string): boolean | "error";
  close(): void;
}

/**
 * Answers filters by SQLite, from the SQL that PocketBase builds. It shares no code with the service. It needs sql.js, which is
 * tested on Node only.
 */
export async function createOracle(): Promise<FilterOracle> {
  const { default: initSqlJs } = await import("sql.js");
  const { Database } = await initSqlJs({ useOldExtensionFunctions: false });
  const database = new Database();
  const first = (sql: string) => database.exec(sql)[0]?.values[0]?.[0];
  return {
    version: String(first("SELECT sqlite_version()")),
    answer: (situation, filter) => {
      const text = typeof filter === "string" ? filter : printFilter(filter);
      if (situation.mode !== "rule" && /@(?:request|collection)\./.test(text)) return "error";
      try {
        const node = typeof filter === "string" ? parseFilter(filter) : filter;
        return first(statement(situation, node)) === 1;
      } catch (error) {
        if (error instanceof InvalidFilter) return "error";
        throw error;
      }
    },
    close: () => database.close(),
  };
}

/** Creates the tables and asks for one row. */
function statement(situation: Situation, filter: FilterNode): string {
  const { auth = {}, record } = situation;
  const scope = scopeOf(situation);
  const condition = conditionSql(filter, scope);
  return [
    tableSql("records", record, scope.record.types),
    tableSql("users", auth, columnTypes(auth)),
    relatedSql(record, scope),
    `SELECT 1 FROM records LEFT JOIN users ${[...scope.record.joins.values()].join(" ")}`,
    `WHERE ${condition} LIMIT 1`,
  ].join("\n");
}

function scopeOf(situation: Situation): Scope {
  const { auth, record } = situation;
  const joins = new Map<string, string>();
  const isRule = situation.mode === "rule";
  const isAuth = situation.collectionType === "auth";
  return {
    record: {
      table: "records",
      types: columnTypes(record, { ...(isAuth ? AUTH_FIELDS : {}), ...situation.schema }),
      hidden: isRule ? [] : (situation.hidden ?? []),
      joins,
      guardsEmail: !isRule && isAuth,
      unknownIsNull: false,
    },
    user: auth && {
      table: "users",
      types: columnTypes(auth),
      hidden: [],
      joins,
      guardsEmail: false,
      unknownIsNull: true,
      auth,
    },
    query: situation.query ?? {},
    headers: situation.headers ?? {},
    now: new Date(situation.now ?? Date.now()),
  };
}

function conditionSql(node: FilterNode, scope: Scope): string {
  if (node.kind === "comparison") {
    const left = operandSql(node.left, scope);
    return comparisonSql(left, node.operator, operandSql(node.right, scope));
  }
  const parts = node.members.map(({ join, node: member }, index) => {
    const sql = conditionSql(member, scope);
    return index === 0 ? sql : `${join === "&&" ? "AND" : "OR"} ${sql}`;
  });
  return `(${parts.join(" ")})`;
}

/** All records that the record is related to exist. */
function relatedSql(record: Readonly<Record<string, unknown>>, scope: Scope): string {
  const lists = [...scope.record.types].filter(([, type]) => isList(type));
  const ids = new Set(lists.flatMap(([name]) => record[name] ?? []).map(String));
  const rows = [...ids].map((id) => `INSERT INTO related VALUES (${textSql(id)});`);
  return `DROP TABLE IF EXISTS related; CREATE TABLE related (id TEXT PRIMARY KEY); ${rows.join(" ")}`;
}
