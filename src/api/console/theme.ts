/** The colours of the pages, for light and dark colour schemes. Each text colour has a contrast of at least 4.5 to 1 with the surfaces that it is used on. */
export const THEME: string = `
:root { color-scheme: light dark; --bg: #f4f5f7; --panel: #fff; --field: #fff; --code: #f1f3f6; --text: #17191c; --dim: #59616c; --line: #dfe3e8; --edge: #8b95a1; --accent: #1d4fd7; --on-accent: #fff; --hover: #eef2fd; --good: #127a45; --bad: #b42318; --bad-bg: #fdf0ef; --warn: #8a5a00; --violet: #6b3fb8; }
@media (prefers-color-scheme: dark) {
  :root { --bg: #0f1216; --panel: #171b21; --field: #0f1216; --code: #0f1216; --text: #e6e9ed; --dim: #9ba6b3; --line: #2a313a; --edge: #6b7683; --accent: #8ab4ff; --on-accent: #0d1117; --hover: #1e2734; --good: #5ccb93; --bad: #ff948a; --bad-bg: #2b1a1b; --warn: #e3b055; --violet: #c3a6ff; }
}
`;
