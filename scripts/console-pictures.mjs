// `npm run console:pictures` takes the pictures of the console for README.md and docs/, with Chromium (`apt-get install
// chromium`) and the build in dist/. Look at the pictures before you commit them.
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = `${root}docs/images`;
const PORT = "18790";
const service = `http://127.0.0.1:${PORT}`;
/** The address in the pictures. Chromium finds the service there. */
const shown = "http://localhost:8090";
const ADMIN_KEY = "pocketwire-development-key";
const SECRET = "a-secret-for-these-pictures-with-32-characters";

const server = spawn(process.execPath, [`${root}dist/node.js`], {
  cwd: folder.replace(/images$/, ""),
  env: {
    PATH: process.env.PATH,
    PORT,
    LOG_LEVEL: "error",
    REALTIME_ADMIN_KEY: ADMIN_KEY,
    REALTIME_JWT_SECRET: SECRET,
    REALTIME_TOPICS: '[{"match":"chat/*","presence":true,"keep":100}]',
  },
  stdio: "ignore",
});
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", `--host-resolver-rules=MAP localhost:8090 127.0.0.1:${PORT}`],
});
try {
  await untilItListens();
  mkdirSync(folder, { recursive: true });
  const desktop = { viewport: { width: 1280, height: 960 } };
  await takePicture("light", desktop);
  await takePicture("dark", { ...desktop, colorScheme: "dark" });
  const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 };
  await takePicture("phone", phone);
} finally {
  await browser.close();
  server.kill();
}

async function untilItListens() {
  for (;;) {
    try {
      await fetch(`${service}/api/health`);
      return;
    } catch {
      if (server.exitCode !== null) throw new Error("The service has ended. Is the port in use?");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

async function publish(...messages) {
  const response = await fetch(`${service}/api/realtime/messages`, {
    method: "POST",
    headers: { Authorization: `Bearer ${ADMIN_KEY}`, "Content-Type": "application/json" },
    body: JSON.stringify(messages),
  });
  if (!response.ok) throw new Error(await response.text());
}

/** Subscribes, receives messages, breaks the stream and resumes it. */
async function takePicture(name, options) {
  const context = await browser.newContext({ locale: "en-GB", ...options });
  const page = await context.newPage();
  const press = (button) => page.getByRole("button", { name: button, exact: true }).click();
  await page.goto(shown);
  await page.getByLabel("Admin key or token").fill(ADMIN_KEY);
  await page.getByLabel("Admin key or token").press("Enter");
  await page.getByText("Admin: may do everything").waitFor();
  await page.getByRole("textbox", { name: "Topics" }).fill("chat/*, tasks/*");
  await press("Subscribe");
  await page.getByText("Connected", { exact: true }).waitFor();
  await page.locator("#step-subscribe.done").waitFor();
  await publish({ topic: "chat/lobby", data: { user: "anna", text: "Good morning!" } });
  const task = { id: "t1", title: "Write the docs", status: "open" };
  await publish({ collection: "tasks", action: "create", record: task });
  await page.locator("#events > li", { hasText: "Write the docs" }).waitFor();
  await press("Break");
  await publish(
    { topic: "chat/lobby", data: { user: "ben", text: "Sent while you were away" } },
    { collection: "tasks", action: "update", record: { ...task, status: "done" } },
  );
  await press("Resume");
  await page.locator("#events > li", { hasText: '"recovered":true' }).waitFor();
  await page.locator("#publish [name=topic]").fill("chat/lobby");
  await page.locator("#publish [name=data]").fill('{"user":"anna","text":"Nothing is missing"}');
  await press("Publish");
  await page.locator("#events > li", { hasText: "Nothing is missing" }).waitFor();
  if (name === "phone") {
    await page.evaluate(() => scrollTo(0, 0));
  } else {
    await press("Hide");
    await page.locator("#events summary", { hasText: "while you were away" }).click();
    await page.locator("#events pre").waitFor();
  }
  await page.evaluate(() => document.activeElement?.blur());
  await page.mouse.move(0, 0);
  await page.screenshot({ path: `${folder}/console-${name}.png` });
  await context.close();
}
