import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { RealtimeError } from "../../../../src/realtime/errors.ts";
import { type DataFolder, openDataFolder } from "../../../../src/runtimes/process/data-folder.ts";
import {
  describeLibraries,
  removeFoldersAfterEach,
  temporaryFolder,
} from "../../../support/sqlite-libraries.ts";

describeLibraries("a data folder", (open) => {
  let path: string;
  const opened: DataFolder[] = [];
  beforeEach(() => {
    path = join(temporaryFolder(), "new", "data");
  });
  afterEach(() => {
    for (const folder of opened.splice(0)) folder.close();
  });
  removeFoldersAfterEach();

  function openFolder(sync: "normal" | "full" = "normal"): DataFolder {
    const folder = openDataFolder(path, open, sync);
    opened.push(folder);
    return folder;
  }

  /** Writes to a file without a service. */
  function change(statements: string): void {
    mkdirSync(path, { recursive: true });
    const connection = open(join(path, "pocketwire.sqlite"));
    connection.exec(statements);
    connection.close();
  }

  /** The error of a start that must fail. It names the folder, unless the folder itself is the problem. */
  function refusal(): string {
    try {
      openFolder();
    } catch (error) {
      expect(error).toBeInstanceOf(RealtimeError);
      expect(error).toMatchObject({ code: "invalid_config" });
      expect(String(error)).toContain(JSON.stringify(path));
      return String(error);
    }
    throw new Error("The folder was opened.");
  }

  it("is created, and only its owner may read it and its files", () => {
    openFolder();
    expect(statSync(path).mode & 0o777).toBe(0o700);
    const files = readdirSync(path);
    expect(files).toContain("pocketwire.sqlite");
    for (const file of files) expect(statSync(join(path, file)).mode & 0o077).toBe(0);
  });

  it("keeps what was written, and leaves one file with data when it is closed", () => {
    const folder = openFolder();
    folder.database.exec("CREATE TABLE t (n INTEGER)");
    folder.database.exec("INSERT INTO t (n) VALUES (?)", 7);
    folder.close();
    opened.pop();
    expect(readdirSync(path).toSorted()).toEqual(["pocketwire.lock", "pocketwire.sqlite"]);
    expect(openFolder().database.all<{ n: number }>("SELECT n FROM t")[0]?.n).toBe(7);
  });

  it.each([
    ["normal", 1],
    ["full", 2],
  ] as const)("has a write-ahead log and waits for the disk as configured: %s", (sync, level) => {
    const { database } = openFolder(sync);
    const value = (name: string) => Object.values(database.all(`PRAGMA ${name}`)[0] ?? {})[0];
    expect(value("journal_mode")).toBe("wal");
    expect(value("synchronous")).toBe(level);
    // FAST is 2.
    expect(value("secure_delete")).toBe(2);
    expect(value("application_id")).toBe(0x506b7477);
    expect(value("user_version")).toBe(1);
  });

  it("is refused while it is open, and is free after it was closed", () => {
    const first = openFolder();
    expect(refusal()).toContain("Another process uses the data folder");
    first.database.exec("CREATE TABLE t (n INTEGER)");
    first.close();
    opened.pop();
    openFolder();
  });

  it("can be copied with VACUUM INTO by another program while it is open", () => {
    const { database } = openFolder();
    database.exec("CREATE TABLE t (n INTEGER)");
    database.exec("INSERT INTO t (n) VALUES (?)", 7);
    const copy = join(path, "copy.sqlite");
    change(`VACUUM INTO '${copy}'`);
    const connection = open(copy);
    expect(
      connection
        .prepare("SELECT n FROM t")
        .all()
        .map((row) => ({ ...row })),
    ).toEqual([{ n: 7 }]);
    connection.close();
    // The program's reads have not ended the lock.
    expect(refusal()).toContain("Another process");
  });

  it("is refused when the file was written by a newer version", () => {
    openFolder().close();
    opened.pop();
    change("PRAGMA user_version = 2");
    expect(refusal()).toMatch(/newer version of Pocketwire \(its schema is 2.*Start the newer/);
  });

  it.each([
    ["has tables of its own", "CREATE TABLE notes (text TEXT)"],
    ["has a name of its own", "PRAGMA application_id = 12345"],
  ])("is refused when the file belongs to another program: it %s", (_, statements) => {
    change(statements);
    expect(refusal()).toMatch(/belongs to another program\. Set REALTIME_DATA to another folder/);
  });

  it("is refused when the file is not a database", () => {
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, "pocketwire.sqlite"), "not a database ".repeat(1000));
    expect(refusal()).toMatch(/is damaged .*Restore a backup/);
  });

  it("is refused when the file of the lock is not a database, and the data is not blamed", () => {
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, "pocketwire.lock"), "not a database");
    expect(refusal()).toMatch(/pocketwire\.lock .* is damaged\. Delete this file/);
  });

  it("is refused when its path is a file", () => {
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, "");
    expect(refusal()).toContain("can't write to the data folder");
  });

  it("is free again after it was refused", () => {
    change("CREATE TABLE notes (text TEXT)");
    refusal();
    change("DROP TABLE notes; PRAGMA application_id = 0");
    openFolder();
  });

  it("writes for a probe, so that a probe of a full file fails", () => {
    const { database, probe } = openFolder();
    probe();
    database.exec("PRAGMA query_only = 1");
    expect(probe).toThrow();
    database.exec("PRAGMA query_only = 0");
    probe();
  });
});
