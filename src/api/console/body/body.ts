import { HEADER } from "./header.ts";
import { LIVE } from "./live.ts";
import { PAGES } from "./pages.ts";

/** The elements of the console. Their behaviour is in browser/. */
export const CONSOLE_BODY: string = `${HEADER}<main>
${LIVE}${PAGES}</main>
`.replaceAll(/\n +/g, "\n");
