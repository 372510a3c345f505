// What the servers and bench/run.mjs agree on.
export const PORT = Number(process.env.BENCH_PORT ?? 18480);
export const ADMIN_KEY = "the-bench-admin-key";
/** What Pocketwire is started with: all clients come from one address. */
export const POCKETWIRE = {
  port: PORT,
  adminKey: ADMIN_KEY,
  connectsPerSecond: 0,
  maxClientsPerAddress: 0,
};
