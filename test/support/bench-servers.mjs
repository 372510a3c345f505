// Servers for `bench/run.mjs --servers`, in the order of BENCH_TEST_SERVERS.
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("bench-server.mjs", import.meta.url));

export const servers = process.env.BENCH_TEST_SERVERS.split(",").map((name) => ({
  name,
  title: `The server that is ${name}`,
  command: [process.execPath, program, name],
  args: ["--path", "/events", "--publish-path", "/publish"],
}));
