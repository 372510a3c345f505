import { AUTH_GRACE, PRESENCE, registrySuite } from "../suites/registry.ts";
import { openCluster, roundRobin } from "../support/memory-cluster.ts";

registrySuite(
  "three processes behind a load balancer",
  () => {
    const { processes } = openCluster({ authGrace: AUTH_GRACE, presence: PRESENCE });
    return roundRobin(new Map(processes.map(({ home, registry }) => [home, registry])));
  },
  { topicsPerShard: "each process counts the topics of its own clients" },
);
