// Settings that the servers and the benchmarks share.
export const PORT = Number(process.env.BENCH_PORT ?? 18480);
/** Port of workerd's inspector. */
export const INSPECTOR_PORT = PORT + 1;
export const ADMIN_KEY = "the-bench-admin-key";
/** Options of Pocketwire. All clients connect from one address, so the limits of an address are off. */
export const POCKETWIRE = {
  port: PORT,
  adminKey: ADMIN_KEY,
  connectsPerSecond: 0,
  maxClientsPerAddress: 0,
};
