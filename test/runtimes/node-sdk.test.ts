import { sdkSuite } from "../suites/sdk.ts";
import { NODE } from "../support/service.ts";

sdkSuite(NODE);
