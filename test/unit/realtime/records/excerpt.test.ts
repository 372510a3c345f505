import { describe, expect, it } from "vitest";
import { excerpt } from "../../../../src/realtime/records/excerpt.ts";
import { type HtmlHandler, readHtml } from "../../../../src/realtime/records/html-tokens.ts";

const MILLION = 1_000_000;

/** The whole text of some HTML. */
const textOf = (html: string) => excerpt(html, MILLION, false);

describe("the text of HTML", () => {
  it.each([
    ["<p>a</p><p>b</p>", "a b"],
    ["<p>a<p>b", "a b"],
    ["<ul><li>a<li>b</ul>c", "a b c"],
    ["a<div>b</div>c", "a b c"],
    ["a<hr>b<wbr>c", "a b c"],
    ["a<br>b<br/>c", "abc"],
    ["<custom-tag>a</custom-tag>b", "a b"],
    ["a<u>b</u>c", "a b c"],
    ["a</p>b", "a b"],
    ["a</div></b>b", "ab"],
    ["<table><tr><td>a<td>b<tr><td>c</table>d", "a b c d"],
    ["a<td>b</td>c", "abc"],
    ["<b><div>a</b>b</div>c", "ab c"],
    ["<u><div>a</u>b</div>c", "a b c"],
  ])("has a space for a block and none for an inline element: %s", (html, text) => {
    expect(textOf(html)).toBe(text);
  });

  it.each([
    "a<script>if (x < y) document.write('<b>no</b>')</script>b",
    "a<style>p > b { }</style>b",
    "a<img alt='no' src=x>b",
    "a<form><p>no</p><form>no</form>b",
    "a<svg><path d='M0'/><text>no</text></svg>b",
    "a<svg/>b",
    "a<select><option>no<option>no</select>b",
    "a<textarea><p>no</p></textarea>b",
    "a<template><p>no</template>b",
    "a<iframe><p>no</iframe>b",
    "a<button>no<b>no</b><button>no</button>b",
    "a<object><embed src=x>no</object>b",
    "a<SCRIPT>no</sCript >b",
    "a<input value='<b>no</b>'>b",
    "a<script>no</scripts></script x='>'>b",
    "<!doctype html><html><head><title>no</title><link href=x></head><body>ab</body></html>",
    " <!-- no --> <title>no</title> <noscript>no</noscript>ab",
  ])("is without scripts, styles, images, forms and the head: %s", (html) => {
    expect(textOf(html)).toBe("ab");
  });

  it.each([
    "a<!-- <b>no</b> -->b",
    "a<!---->b",
    "a<!-->b",
    "a<!--->b",
    "a<!-- no --!>b",
    "a<!-- no -- > no --->b",
    "a<!no>b",
    "a<?no?>b",
    "a</ no>b",
    "a</>b",
    "a<![CDATA[no]]>b",
    "ab<!-- no",
    "ab<!no",
    "ab<b title='no>no",
    "ab<b no",
    "ab</b no",
    "a<b title='>' x=\">\" y=no/ z = 'no'>b</b>",
    "a<b =no>b</b x='>'>",
    "<a\nhref=x>a</a\n>b",
    "a\0b",
  ])("is without comments, attributes and unfinished tags: %j", (html) => {
    expect(textOf(html)).toBe("ab");
  });

  it.each([
    ["1 < 2 <3 <", "1 < 2 <3 <"],
    ["<>a", "<>a"],
    ["a</", "a</"],
    ["x<noscript><p>y</p></noscript>", "x <p>y</p>"],
    ["x<title>&lt;a&gt;<b></title>", "x <a><b>"],
    ["x<xmp><i>&lt;</xmp>y<plaintext></plaintext>", "x <i>&lt; y </plaintext>"],
  ])("keeps what only looks like a tag: %s", (html, text) => expect(textOf(html)).toBe(text));

  it("has one space for successive white space, and none at the ends", () => {
    expect(textOf(" \t a \r\n\f b <p> </p>&#32;&#10; c<i> </i> ")).toBe("a b c");
    expect(textOf("\u00a0&nbsp;\u3000a&nbsp; &nbsp;\u3000b\u00a0\u0085\u3000")).toBe(
      "a\u00a0 \u00a0\u3000b",
    );
    expect(textOf("\ufeffa\u200b")).toBe("\ufeffa\u200b");
  });
});

describe("character references", () => {
  it.each([
    ["&amp;lt; &lt;b&gt; &quot;&apos;", "&lt; <b> \"'"],
    ["&eacute;&Eacute;&szlig;&yuml;&laquo;&shy;|", "éÉßÿ«\u00ad|"],
    ["&Alpha;&Rho;&Sigma;&Omega;&alpha;&sigmaf;&omega;", "ΑΡΣΩαςω"],
    ["&ndash;&mdash;&hellip;&euro;&trade;&rarr;&le;&hearts;", "–—…€™→≤♥"],
    ["&#65;&#x42;&#X63&#100 &#128512;", "ABcd 😀"],
    ["&#128;&#x99;&#x9F;", "€™Ÿ"],
    ["&#0;&#xD800;&#x110000;&#99999999999999999999;", "\ufffd\ufffd\ufffd\ufffd"],
    ["&copy 2026 &ampx &eacutee &LT", "© 2026 &x ée <"],
    // HTML 5 has more names that begin with a short one, such as &ltimes; and so an unknown name is not taken apart.
    ["&notit; &ltimes;", null],
    ["&notit &frac12x", "¬it ½x"],
    ["& &; &# &#; &#x; &#xg &unknown; &hellip &Eacut; &constructor;", null],
  ])("are decoded as in HTML: %s", (html, text) => expect(textOf(html)).toBe(text ?? html));
});

describe("the end of the text", () => {
  it.each([
    ["abc", 3, "abc"],
    ["abc", 2, "ab..."],
    ["abc   <p> &nbsp;</p>", 3, "abc"],
    ["abc   <p> &nbsp;</p>d", 3, "abc..."],
    ["ab cd", 3, "ab..."],
    ["&amp;&amp;&amp;", 2, "&&..."],
    ["😀😀😀", 2, "😀😀..."],
    ["", 1, ""],
    [" <p></p>&nbsp; ", 1, ""],
  ])("is at the code point of the limit: %j, %i", (html, max, text) => {
    expect(excerpt(html, max, true)).toBe(text);
    expect(excerpt(html, max, false)).toBe(text.replace("...", ""));
  });

  // Bytes are counted with the space that the document begins with: "абв" has 7.
  it.each([
    ["<b>абв</b><b>г</b>", 4, "абв"],
    ["<b>абв</b><b>г</b>", 5, "абвг"],
    ["<b>абв</b>г", 4, "абвг"],
    ["<b>абв<b>г</b></b>", 4, "абв"],
    ["<b>абв</b><p>г</p>д", 5, "абв д"],
    ["<b>абв</b><p>г<i>д</i></p>", 4, "абв"],
    ["<p>абв</p><ul><li>г</ul>д", 5, "абв д"],
  ])("leaves out an element that starts more than two bytes beyond it: %s, %i", (...args) => {
    const [html, max, text] = args;
    expect(excerpt(html, max, false)).toBe(text);
  });

  it("is where more than 512 elements are open", () => {
    expect(textOf(`${"<b>".repeat(512)}a<br>b<i>c</i>d`)).toBe("ab");
    expect(textOf(`${"<p>x</p>".repeat(600)}a`)).toMatch(/x a$/);
    expect(textOf(`${"<p>x".repeat(600)}a`)).toMatch(/xa$/);
  });
});

describe("hostile HTML of a million characters", () => {
  // A reader that searches the rest of the text again for each of these takes longer than the test's limit of a minute.
  it.each([
    "<!--",
    "<!-- --!",
    "<!",
    "<?",
    "</ ",
    "<a",
    "<a ",
    "<a =",
    "<a b='",
    "<a b=\"'>",
    "</b>",
    "<b></b>",
    "<b>",
    "<p></b>",
    "<b><div></b>",
    "<script>",
    "<style></style",
    "<title>&",
    "<svg>",
    "<td>",
    "<custom></other>",
    " ",
    "\u00a0",
  ])("gives no text for %j, again and again", (part) => {
    expect(textOf(part.repeat(Math.ceil(MILLION / part.length)))).toBe("");
  });

  it("gives no text for end tags far below the innermost element", () => {
    const blocks = `${"<b>".repeat(255)}${"<div>".repeat(255)}${"</b>".repeat(255)}${"</div>".repeat(255)}`;
    expect(textOf(blocks.repeat(350))).toBe("");
    const items = `<li>${"<b>".repeat(255)}<ul>${"<b>".repeat(250)}${"<li></li>".repeat(110_000)}`;
    expect(textOf(items)).toBe("");
  });

  it.each([
    ["<", "<"],
    ["&", "&"],
    ["&#", "&#"],
    ["&a", "&a"],
    ["-->", "-->"],
    ["&#120", "x"],
    ["x<!---->", "x"],
  ])("gives the same text again and again for %j", (part, text) => {
    const count = Math.floor(MILLION / part.length);
    expect(textOf(part.repeat(count)) === text.repeat(count)).toBe(true);
  });

  it("is read no further than the excerpt needs", () => {
    let texts = 0;
    const handler: HtmlHandler = {
      get done() {
        return texts === 3;
      },
      text: () => texts++,
      open: () => true,
      close: () => {},
    };
    readHtml("a<b>".repeat(250_000), handler);
    expect(texts).toBe(3);
  });
});
