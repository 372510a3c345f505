/**
 * One run of PocketBase's stand-in: starts, carries out the steps of its input, and exits. It runs on Bun, which has SQLite on
 * every machine that runs the tests. The clock of the hooks moves only when they sleep, so a minute takes no time.
 */
import { App, openShared } from "./app.ts";
import { Hooks } from "./hooks.ts";
import { send } from "./http.ts";
import { Collection } from "./record.ts";
import type { Run, Step } from "./steps.ts";

let input = "";
for await (const chunk of process.stdin) input += chunk;
const { hooks: folder, database, collections, steps }: Run = JSON.parse(input);
const shared = openShared(
  database,
  collections.map((settings) => new Collection(settings)),
);
const app = new App(shared);
let now = Date.now();
const duringRequest: Step[] = [];

function DynamicModel(this: object, shape: object): void {
  Object.assign(this, shape);
}

const hooks = new Hooks(folder, () => ({
  $app: app,
  $os: { getenv: (name: string) => process.env[name] ?? "" },
  $security: { randomString: (length: number) => crypto.randomUUID().slice(0, length) },
  $http: {
    send: (request: Parameters<typeof send>[0]) => {
      for (const step of duringRequest.splice(0)) carryOut(step, app);
      return send(request);
    },
  },
  arrayOf: () => [],
  DynamicModel,
  console: { error: () => {} },
  sleep: (milliseconds: number) => {
    now += milliseconds;
  },
  __now: () => now,
}));
shared.hooks = hooks;
hooks.load("pocketwire.pb.js");

function carryOut(step: Step, on: App): unknown {
  switch (step.do) {
    case "save":
      return on.save(step.collection, step.record);
    case "delete":
      return on.delete(step.collection, step.id);
    case "transaction":
      return on.runInTransaction((transaction) => {
        for (const inner of step.steps) carryOut(inner, transaction);
        if (step.fails === true) throw new Error("The transaction fails.");
      });
    case "during":
      return duringRequest.push(...step.steps);
    case "minute":
      return hooks.runCron("pocketwire");
    case "exec":
      return shared.database.run(step.sql);
    case "stop":
      return hooks.trigger("onTerminate", { app: on }, () => {});
  }
}

hooks.trigger("onBootstrap", { app }, () => {});
const errors: string[] = [];
for (const step of steps) {
  try {
    carryOut(step, app);
  } catch (error) {
    errors.push(String(error));
  }
}
const queue = shared.database
  .query("SELECT * FROM sqlite_master WHERE name = '_pocketwire_queue'")
  .get()
  ? shared.database.query("SELECT * FROM _pocketwire_queue ORDER BY seq").all()
  : [];
console.log(JSON.stringify({ errors, queue, log: shared.log }));
