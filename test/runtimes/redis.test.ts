import { redisSuite } from "../suites/redis.ts";
import { runtimeUnderTest } from "../support/runtimes.ts";

redisSuite(runtimeUnderTest());
