import type { Dom } from "./dom.ts";
import type { Key } from "./key.ts";

/** Binds the form that signs a token (RFC 7519, HS256). One function longer than 50 lines: a part must be self-contained (parts.ts). */
export function bindTokenMaker({ find, say, bindCopy }: Dom, key: Key): void {
  /** The shortest secret that the service accepts. */
  const MIN_SECRET_LENGTH = 32;
  const INPUTS = ["secret", "sub", "info", "claims"];
  const form = find<HTMLFormElement>("#token-form");
  let token = "";

  /** @throws Error with the name of the input as its cause. */
  const refuse = (name: string, text: string): never => {
    throw new Error(text, { cause: name });
  };

  const showInputError = (name: string, text: string): void => {
    say(`#token-${name}-error`, text, text !== "");
    find(`#token-form [name=${name}]`).setAttribute("aria-invalid", String(text !== ""));
  };

  /** Base64url without padding, of a text in UTF-8 or of bytes. */
  const encode = (value: string | Uint8Array): string => {
    const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
    const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
    return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  };

  const sign = async (claims: object, secret: string): Promise<string> => {
    const text = `${encode(JSON.stringify({ alg: "HS256" }))}.${encode(JSON.stringify(claims))}`;
    const algorithm = { name: "HMAC", hash: "SHA-256" };
    const bytes = new TextEncoder();
    const hmac = await crypto.subtle.importKey("raw", bytes.encode(secret), algorithm, false, [
      "sign",
    ]);
    const signature = await crypto.subtle.sign("HMAC", hmac, bytes.encode(text));
    return `${text}.${encode(new Uint8Array(signature))}`;
  };

  const readObject = (name: string, text: string): object | undefined => {
    if (text === "") return undefined;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {}
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject
      ? (value as object)
      : refuse(name, 'Write a JSON object, for example {"name":"Anna"}.');
  };

  /** The claims, as docs/security.md describes them. */
  const readClaims = (fields: FormData): object => {
    const textOf = (name: string): string => String(fields.get(name)).trim();
    const listOf = (name: string): string[] =>
      textOf(name)
        .split(",")
        .map((topic) => topic.trim())
        .filter((topic) => topic !== "");
    const sub = textOf("sub") || refuse("sub", "Enter the user that the token is for.");
    const info = readObject("info", textOf("info"));
    const iat = Math.floor(Date.now() / 1000);
    return {
      sub,
      iat,
      exp: iat + Number(textOf("lifetime")),
      realtime: {
        subscribe: listOf("subscribe"),
        publish: listOf("publish"),
        ...(info && { info }),
      },
      ...readObject("claims", textOf("claims")),
    };
  };

  const make = async (): Promise<void> => {
    const fields = new FormData(form);
    // The service splits the variable at spaces: the first secret signs, the others verify older tokens.
    const [secret = ""] = String(fields.get("secret")).trim().split(/\s+/);
    if (secret.length < MIN_SECRET_LENGTH) {
      refuse(
        "secret",
        `The secret must have at least ${MIN_SECRET_LENGTH} characters. Enter the service's REALTIME_JWT_SECRET.`,
      );
    }
    const claims = readClaims(fields);
    if (crypto.subtle === undefined) {
      refuse(
        "secret",
        "Browsers sign only on pages from https or localhost. Run npx pocketwire token in a shell instead.",
      );
    }
    token = await sign(claims, secret);
    find("#made-token").textContent = token;
    find("#made-claims").textContent = JSON.stringify(claims, null, 2);
    find("#made").hidden = false;
    find("#no-token").hidden = true;
    find("#h-made").focus();
  };

  form.addEventListener("input", ({ target }) => {
    const { name } = target as HTMLInputElement;
    if (INPUTS.includes(name)) showInputError(name, "");
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    for (const name of INPUTS) showInputError(name, "");
    say("#token-note", "");
    make().catch((error: Error) => {
      showInputError(String(error.cause), error.message);
      find(`#token-form [name=${String(error.cause)}]`).focus();
    });
  });
  bindCopy(find("#copy-token"), () => token);
  find("#use-token").addEventListener("click", () => {
    key.use(token);
    say("#token-note", "The token is now the key in the header. The page acts as this user.");
  });
}
