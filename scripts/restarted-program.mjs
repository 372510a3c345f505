/** Milliseconds between the end of a program and its next start. */
const PAUSE = 1000;
/** Milliseconds that a program has for its end. It is killed afterwards. */
const STOP_TIME = 15_000;

/** A program that starts again when it has ended. Prints its process id at each start, and the lines of its output that matter. */
export class RestartedProgram {
  name;
  #options;
  #child;
  #isStopping = false;
  #ended = Promise.resolve();
  #readyCount = 0;

  /**
   * @param options `name`: its name in the output. `start`: starts the program, and returns its process. `isReady`: a pattern of
   *   the line that it prints when it is ready. `isShown`: a pattern of the lines that are printed (default: none).
   */
  constructor(options) {
    this.name = options.name;
    this.#options = options;
  }

  /** The process id. Undefined while the program does not run. */
  get pid() {
    return this.#child?.pid;
  }

  /** Starts the program. Resolves when it is ready. @throws Error when it ends before that. */
  async start() {
    const printed = [];
    await new Promise((resolve, reject) => {
      this.#run(printed, resolve, () =>
        reject(new Error(`${this.name} could not start:\n${printed.join("\n")}`)),
      );
    });
  }

  /** From now on the program is not started again: Ctrl-C reaches each program of a terminal at the same time. */
  expectEnd() {
    this.#isStopping = true;
  }

  /** Stops the program for good. Resolves when it has ended. */
  async stop() {
    this.expectEnd();
    this.kill("SIGTERM");
    const deadline = setTimeout(() => this.kill("SIGKILL"), STOP_TIME);
    await this.#ended;
    clearTimeout(deadline);
  }

  kill(signal) {
    this.#child?.kill(signal);
  }

  #run(printed, onReady, onFailedStart) {
    const child = this.#options.start();
    this.#child = child;
    let isReady = false;
    const readLine = (line) => {
      if (!isReady) printed.push(line);
      if (this.#options.isShown?.test(line)) console.log(`${this.name}: ${line}`);
      if (isReady || !this.#options.isReady.test(line)) return;
      isReady = true;
      this.#readyCount += 1;
      if (this.#readyCount > 1) console.log(`${this.name} runs again: pid ${child.pid}`);
      onReady();
    };
    for (const stream of [child.stdout, child.stderr]) readLines(stream, readLine);
    this.#ended = new Promise((resolve) => {
      // Not `exit`: the last lines arrive after it.
      child.once("close", (code, signal) => {
        this.#child = undefined;
        resolve();
        if (this.#isStopping) return;
        if (this.#readyCount === 0) onFailedStart();
        else this.#restart(signal ?? `code ${code}`);
      });
    });
  }

  #restart(reason) {
    console.log(`${this.name} has ended (${reason}) and starts again in a second`);
    setTimeout(() => {
      if (!this.#isStopping) {
        this.#run(
          [],
          () => {},
          () => {},
        );
      }
    }, PAUSE);
  }
}

function readLines(stream, readLine) {
  let rest = "";
  stream?.setEncoding("utf8").on("data", (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop();
    lines.forEach(readLine);
  });
}
