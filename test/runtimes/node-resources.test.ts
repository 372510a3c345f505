import { resourcesSuite } from "../suites/resources.ts";
import { NODE, type RuntimeUnderTest } from "../support/service.ts";

/** With a heap that is small for a server. */
const SMALL: RuntimeUnderTest = {
  ...NODE,
  name: "Node with a heap of 512 MB",
  command: (settings) => {
    const [program, ...args] = NODE.command(settings);
    return [program, "--max-old-space-size=512", ...args];
  },
};

resourcesSuite(SMALL);
