import { sdkSuite } from "../suites/sdk.ts";
import { WORKERD } from "../support/service.ts";

sdkSuite(WORKERD);
