import { CONSOLE_STYLE } from "./style.ts";

/** The style of the page of the HTTP API, for light and dark colour schemes. */
export const DOCS_STYLE: string = CONSOLE_STYLE;
