import { describe } from "vitest";
import { backwardsTests } from "./log/backwards.ts";
import type { LogFlags, OpenLog } from "./log/context.ts";
import { duplicateTests } from "./log/duplicates.ts";
import { erasingTests } from "./log/erasing.ts";
import { historyTests } from "./log/history.ts";
import { keptTests } from "./log/kept.ts";
import { keptPropertyTests } from "./log/kept-property.ts";
import { modelTests } from "./log/model.ts";
import { orderTests } from "./log/order.ts";
import { pageTests } from "./log/pages.ts";
import { readingTests } from "./log/reading.ts";

export type { LogFlags, OpenLog, OpenLogOptions } from "./log/context.ts";

/**
 * What every `MessageLog` must do.
 *
 * @param open Opens an empty log with an epoch of its own; the suite closes it.
 * @param flags What the adapter can't do, with the reason.
 */
export function logSuite(name: string, open: OpenLog, flags: LogFlags = {}): void {
  describe(`MessageLog: ${name}`, () => {
    orderTests(open, flags);
    readingTests(open);
    backwardsTests(open, flags);
    pageTests(open);
    duplicateTests(open, flags);
    historyTests(open, flags);
    modelTests(open, flags);
    keptTests(open, flags);
    erasingTests(open);
    keptPropertyTests(open, flags);
  });
}
