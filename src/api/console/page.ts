import { NONCE } from "./template.ts";

/** The parts that differ between the pages. `script` is a JavaScript statement. */
interface Page {
  readonly title: string;
  readonly body: string;
  readonly script: string;
  readonly style: string;
}

/** The template of a complete HTML document. It loads no other file, so it works without internet access. */
export function pageOf({ title, body, script, style }: Page): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="data:,">
<style nonce="${NONCE}">${style}</style>
</head>
<body>
${body}<script nonce="${NONCE}">${script}</script>
</body>
</html>
`;
}
