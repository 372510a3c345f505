import { expect, it } from "vitest";
import { publish } from "../support/api.ts";
import { CALLBACK_SECRET, startBackend } from "../support/callback-backend.ts";
import { NODE, startService, WORKERD } from "../support/service.ts";
import { expectAccessible, launch, openPage, picture } from "./chromium.ts";
import { enterAdminKey, openTab } from "./console-page.ts";

it.each([NODE, WORKERD])(
  "the console on $name shows what a backend was asked recently, on a phone in dark mode too",
  async (runtime) => {
    const backend = await startBackend();
    const env = {
      REALTIME_CALLBACK_URL: backend.url,
      REALTIME_CALLBACK_SECRET: CALLBACK_SECRET,
      REALTIME_CALLBACK_ASK: "publish",
    };
    const [service, browser] = await Promise.all([startService(runtime, { env }), launch()]);
    try {
      await publish(service.url, { topic: "chat", data: 1 });
      backend.answer = () => ({ allow: false });
      await publish(service.url, { topic: "chat", data: 1 });
      backend.answer = (_body, response) => void response.writeHead(500).end();
      await publish(service.url, { topic: "chat", data: 1 });
      const context = await browser.newContext({
        viewport: { width: 375, height: 740 },
        colorScheme: "dark",
      });
      const { page, complaints } = await openPage(context, service.url);
      await enterAdminKey(page);
      await openTab(page, "Callbacks");
      await page.getByText("3 callbacks of the process that responded").waitFor();
      const rows = await page.locator("#callbacks tbody tr").allTextContents();
      expect(rows).toEqual([
        expect.stringMatching(/publish1failed\d+$/),
        expect.stringMatching(/publish1refused\d+$/),
        expect.stringMatching(/publish1allowed\d+$/),
      ]);
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(width).toBeLessThanOrEqual(375);
      await expectAccessible(page);
      await picture(page, `phone-callbacks-${runtime.name}`);
      // The list can be scrolled with the keyboard.
      await page.getByRole("button", { name: "Refresh" }).focus();
      await page.keyboard.press("Tab");
      expect(await page.evaluate(() => document.activeElement?.id)).toBe("callbacks");
      expect(complaints).toEqual([]);
    } finally {
      await browser.close();
      await service.stop();
      await backend.close();
    }
  },
);
