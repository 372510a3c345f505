import { restartSuite } from "../suites/restart.ts";
import { NGINX } from "../support/proxies.ts";
import { BUN, NODE } from "../support/service.ts";

// The test creates the proxies' certificates.
process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";

const pages = Number(process.env.RESTART_PAGES ?? 900);

/** The service's default limits, which other tests switch off. */
const env = {
  REALTIME_CONNECTS_PER_SECOND: undefined,
  REALTIME_MAX_CLIENTS_PER_ADDRESS: undefined,
};

for (const runtime of [NODE, BUN]) {
  restartSuite({ runtime, pages, env });
  const behindProxy = { ...env, REALTIME_TRUSTED_PROXY_HEADER: "X-Real-IP" };
  restartSuite({ runtime, pages, env: behindProxy, proxy: NGINX });
}
