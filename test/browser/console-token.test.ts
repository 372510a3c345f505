import { jwtVerify } from "jose";
import { expect, it } from "vitest";
import { publish } from "../support/api.ts";
import { NODE, startService } from "../support/service.ts";
import { JWT_SECRET } from "../support/tokens.ts";
import { expectAccessible, launch, openPage } from "./chromium.ts";
import { event, focused, openTab, press, subscribeTo } from "./console-page.ts";

it("the console signs a token with a secret that never leaves the page, and acts as its user", async () => {
  const env = { REALTIME_JWT_SECRET: JWT_SECRET };
  const [service, browser] = await Promise.all([startService(NODE, { env }), launch()]);
  try {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    const { page } = await openPage(context, service.url);
    const sent: string[] = [];
    page.on("request", (request) => {
      sent.push(JSON.stringify([request.url(), request.headers(), request.postData()]));
    });
    await openTab(page, "Token");
    const make = () => press(page, "Make the token");
    await page.getByLabel("Secret").fill("too short");
    await make();
    await page.getByText("The secret must have at least 32 characters.").waitFor();
    expect(await page.evaluate(() => document.activeElement?.getAttribute("name"))).toBe("secret");
    await page.getByLabel("Secret").fill(JWT_SECRET);
    await page.getByLabel("Info that other users see, JSON").fill("[]");
    await make();
    await page.locator("#token-info-error", { hasText: "Write a JSON object" }).waitFor();
    await page.getByLabel("Info that other users see, JSON").fill('{"name":"Änna"}');
    await page.locator("#token-form [name=sub]").fill("änna");
    await page.getByLabel("May receive private messages of").fill("chat/*, news");
    await page.getByLabel("May publish to").fill("chat/*");
    await page.getByLabel("Lifetime").selectOption("5 minutes");
    await page.getByLabel("More claims, JSON").fill('{"record":{"role":"editor"}}');
    await make();
    await page.locator("#made-token").waitFor();
    expect(await focused(page)).toBe("h-made");
    await expectAccessible(page);

    const token = (await page.locator("#made-token").textContent()) ?? "";
    const { payload, protectedHeader } = await jwtVerify(
      token,
      new TextEncoder().encode(JWT_SECRET),
    );
    expect(protectedHeader).toEqual({ alg: "HS256" });
    const { iat = 0, exp = 0, ...claims } = payload;
    expect(exp - iat).toBe(300);
    expect(claims).toEqual({
      sub: "änna",
      realtime: {
        subscribe: ["chat/*", "news"],
        publish: ["chat/*"],
        info: { name: "Änna" },
      },
      record: { role: "editor" },
    });

    await press(page, "Use this token");
    await page.locator("#identity", { hasText: "User änna, until" }).waitFor();
    await openTab(page, "Live");
    await subscribeTo(page, "chat/1");
    await publish(service.url, { topic: "chat/1", data: { for: "änna" }, private: true });
    await event(page, '"for":"änna"').waitFor();
    const kept = await page.evaluate(() => JSON.stringify({ ...sessionStorage }));
    expect(kept).toContain(token);
    for (const text of [...sent, kept]) expect(text).not.toContain(JWT_SECRET);
    expect(sent.length).toBeGreaterThan(0);
  } finally {
    await browser.close();
    await service.stop();
  }
});
