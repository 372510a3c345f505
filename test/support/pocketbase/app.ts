/** `$app`: the part of PocketBase's app that the hooks of the bridge use, on a real SQLite file (core/db.go, core/db_tx.go). */
import { Database } from "bun:sqlite";
import type { Hooks } from "./hooks.ts";
import { type Collection, RecordModel, type Values } from "./record.ts";

type Action = "Create" | "Update" | "Delete";
type Params = Readonly<Record<string, string | number>>;
type AfterTransaction = (error: unknown) => void;

/** `$app.store()`. Go has its own copy of each value. */
class Store {
  readonly #values = new Map<string, unknown>();
  get = (key: string) => this.#values.get(key) ?? null;
  set = (key: string, value: unknown) => {
    this.#values.set(key, structuredClone(value));
  };
  setFunc = (key: string, change: (old: unknown) => unknown) =>
    this.set(key, change(this.get(key)));
}

/** A query of dbx: `{:name}` is a parameter. */
class Query {
  #params: Params = {};

  readonly #database: Database;
  readonly #sql: string;

  constructor(database: Database, sql: string) {
    this.#database = database;
    this.#sql = sql;
  }

  bind(params: Params): this {
    this.#params = Object.fromEntries(
      Object.entries(params).map(([name, value]) => [`$${name}`, value]),
    );
    return this;
  }

  execute(): { rowsAffected(): number } {
    const { changes } = this.#prepared().run(this.#params);
    return { rowsAffected: () => changes };
  }

  all(rows: unknown[]): void {
    rows.push(...this.#prepared().all(this.#params));
  }

  #prepared() {
    return this.#database.prepare(this.#sql.replaceAll(/\{:(\w+)\}/g, "$$$1"));
  }
}

export interface Shared {
  readonly database: Database;
  readonly collections: readonly Collection[];
  readonly store: Store;
  readonly log: string[];
  hooks?: Hooks;
}

export function openShared(file: string, collections: readonly Collection[]): Shared {
  const database = new Database(file);
  database.run("PRAGMA journal_mode = WAL");
  database.run(
    "CREATE TABLE IF NOT EXISTS records (collection, id, json, PRIMARY KEY (collection, id))",
  );
  return { database, collections, store: new Store(), log: [] };
}

export class App {
  readonly #shared: Shared;
  /** The app outside of the transaction, and what runs after it. */
  readonly #transaction: { parent: App; after: AfterTransaction[] } | undefined;

  constructor(shared: Shared, transaction?: { parent: App; after: AfterTransaction[] }) {
    this.#shared = shared;
    this.#transaction = transaction;
  }

  store = () => this.#shared.store;
  logger = () => ({ warn: (text: string) => this.#shared.log.push(text) });
  db = () => ({ newQuery: (sql: string) => new Query(this.#shared.database, sql) });

  findRecordsByIds(collection: Collection, ids: readonly string[]): RecordModel[] {
    const query = this.#shared.database.query<{ json: string }, [string, string]>(
      "SELECT json FROM records WHERE collection = ? AND id = ?",
    );
    const rows = ids.flatMap((id) => query.all(collection.name, id));
    return rows.map(({ json }) => new RecordModel(collection, JSON.parse(json)));
  }

  runInTransaction(run: (app: App) => void): void {
    if (this.#transaction === undefined) this.#runInNewTransaction(run);
    else run(this);
  }

  #runInNewTransaction(run: (app: App) => void): void {
    const { database } = this.#shared;
    const after: AfterTransaction[] = [];
    let failure: unknown;
    database.run("BEGIN");
    try {
      run(new App(this.#shared, { parent: this, after }));
      database.run("COMMIT");
    } catch (error) {
      database.run("ROLLBACK");
      // Go wraps what a JavaScript callback throws.
      failure = new Error("GoError", { cause: error });
    }
    for (const call of after) call(failure);
    if (failure !== undefined) throw failure;
  }

  save(name: string, values: Values): void {
    const collection = this.#collection(name);
    const isNew = this.findRecordsByIds(collection, [String(values.id)]).length === 0;
    const record = new RecordModel(collection, values);
    this.#change(isNew ? "Create" : "Update", record, () => {
      this.#shared.database
        .query("INSERT OR REPLACE INTO records VALUES (?, ?, ?)")
        .run(name, record.id, JSON.stringify(record.values));
    });
  }

  delete(name: string, id: string): void {
    const [record] = this.findRecordsByIds(this.#collection(name), [id]);
    if (record === undefined) throw new Error(`There is no ${name}/${id}.`);
    this.#change("Delete", record, () => {
      this.#shared.database
        .query("DELETE FROM records WHERE collection = ? AND id = ?")
        .run(name, id);
    });
  }

  /** PocketBase deletes a record and those that depend on it in a transaction, and calls our handlers inside of it. */
  #change(action: Action, record: RecordModel, write: () => void): void {
    const event = { app: this as App, model: record };
    const execute = () => this.#hooks().trigger(`onModel${action}Execute`, event, write);
    if (action === "Delete") {
      this.runInTransaction((app) => {
        event.app = app;
        execute();
        app.#deleteDependents(record);
      });
      event.app = this;
    } else {
      execute();
    }
    if (event.app !== this) throw new Error("A handler has not restored e.app.");
    const app = this.#transaction?.parent ?? this;
    const succeed = () =>
      this.#hooks().trigger(`onRecordAfter${action}Success`, { app, record }, () => {});
    if (this.#transaction === undefined) succeed();
    else {
      this.#transaction.after.push((error) => {
        if (error === undefined) succeed();
      });
    }
  }

  #deleteDependents(record: RecordModel): void {
    for (const { name, fields } of this.#shared.collections) {
      const relation = fields.find(({ settings }) => settings.cascadeDelete === true);
      if (relation === undefined) continue;
      const rows = this.#shared.database
        .query<{ id: string }, [string, string, string]>(
          "SELECT id FROM records WHERE collection = ? AND json_extract(json, '$.' || ?) = ?",
        )
        .all(name, relation.getName(), record.id);
      for (const { id } of rows) this.delete(name, id);
    }
  }

  #collection(name: string): Collection {
    const found = this.#shared.collections.find((collection) => collection.name === name);
    if (found === undefined) throw new Error(`There is no collection ${name}.`);
    return found;
  }

  #hooks(): Hooks {
    if (this.#shared.hooks === undefined) throw new Error("The hooks are not loaded.");
    return this.#shared.hooks;
  }
}
