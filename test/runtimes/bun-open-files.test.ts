import { openFilesSuite } from "../suites/open-files.ts";
import { BUN } from "../support/service.ts";

openFilesSuite(BUN);
