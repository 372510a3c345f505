// What the servers and bench/run.mjs agree on.
export const PORT = Number(process.env.BENCH_PORT ?? 18480);
export const ADMIN_KEY = "bench-admin-key";
