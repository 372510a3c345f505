import { openFilesSuite } from "../suites/open-files.ts";
import { NODE } from "../support/service.ts";

openFilesSuite(NODE);
