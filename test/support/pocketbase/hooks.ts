/**
 * Loads hook files as PocketBase does (plugins/jsvm/binds.go, pool.go): each handler is turned into text, and the text runs
 * in another context than the file. Here each call has a context of its own.
 */
import { readFileSync } from "node:fs";
import vm from "node:vm";

type Globals = Readonly<Record<string, unknown>>;

export class Hooks {
  readonly #handlers = new Map<string, string[]>();
  readonly #cron = new Map<string, string>();
  readonly #globals: () => Globals;
  readonly #folder: string;

  /** @param globals PocketBase's global names for a new context. */
  constructor(folder: string, globals: () => Globals) {
    this.#folder = folder;
    this.#globals = globals;
  }

  /** Runs a hook file, which registers its handlers. */
  load(file: string): void {
    const on = (name: string) => (handler: unknown) => {
      this.#handlers.set(name, [...(this.#handlers.get(name) ?? []), String(handler)]);
    };
    const names = ["Bootstrap", "Terminate"];
    for (const action of ["Create", "Update", "Delete"]) {
      names.push(`Model${action}Execute`, `RecordAfter${action}Success`);
    }
    const registering = Object.fromEntries(names.map((name) => [`on${name}`, on(`on${name}`)]));
    const cronAdd = (id: string, _expression: string, handler: unknown) =>
      this.#cron.set(id, String(handler));
    const context = this.#context({ ...registering, cronAdd });
    vm.runInContext(readFileSync(`${this.#folder}/${file}`, "utf8"), context);
  }

  /** Calls the handlers of an event, then `last`. Each handler continues with `e.next()`. */
  trigger<E extends object>(name: string, event: E, last: () => void): void {
    const handlers = this.#handlers.get(name) ?? [];
    const run = (index: number): void => {
      const handler = handlers[index];
      if (handler === undefined) {
        last();
        return;
      }
      Object.assign(event, { next: () => run(index + 1) });
      vm.runInContext(`(${handler}).call(undefined, __event)`, this.#context({ __event: event }));
    };
    run(0);
  }

  runCron(id: string): void {
    vm.runInContext(`(${this.#cron.get(id)})()`, this.#context({}));
  }

  #context(more: Globals): vm.Context {
    const context = vm.createContext({ ...this.#globals(), ...more, __hooks: this.#folder });
    const modules = new Map<string, { exports: unknown }>();
    context.require = (path: string) => {
      const known = modules.get(path);
      if (known !== undefined) return known.exports;
      const module = { exports: {} };
      modules.set(path, module);
      const text = readFileSync(path, "utf8");
      vm.runInContext(`(function (module, exports) {${text}\n})`, context)(module, module.exports);
      return module.exports;
    };
    vm.runInContext("Date.now = () => __now();", context);
    return context;
  }
}
