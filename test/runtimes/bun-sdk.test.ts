import { sdkSuite } from "../suites/sdk.ts";
import { BUN } from "../support/service.ts";

sdkSuite(BUN);
