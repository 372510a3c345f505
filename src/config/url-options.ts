/** The options with a URL that the service calls. */
import type { IntrospectionOptions } from "../api/auth/introspection.ts";
import type { CallbackOptions } from "../api/callbacks/options.ts";
import { RealtimeError } from "../realtime/errors.ts";
import type { OptionValues } from "./variables.ts";

/** Undefined without REALTIME_INTROSPECT_URL. */
export function introspectionOptions(
  { url, cacheTime }: OptionValues["introspection"],
  { clockSkew, allowNoExpiry }: OptionValues["tokens"],
): IntrospectionOptions | undefined {
  return url === undefined ? undefined : { url, cacheTime, clockSkew, allowNoExpiry };
}

/** @throws RealtimeError `invalid_config` when only some of the variables are set. The service would silently ask nothing then. */
export function callbackOptions(values: OptionValues["callbacks"]): CallbackOptions | undefined {
  const { url, secret, ask, tell, headers } = values;
  if (url === undefined && (secret ?? ask ?? tell ?? headers) === undefined) return undefined;
  if (url === undefined) throw missingCallback("URL");
  if (secret === undefined) throw missingCallback("SECRET");
  if ((ask ?? tell) === undefined) throw missingCallback("ASK or REALTIME_CALLBACK_TELL");
  return { ...values, url, secret };
}

function missingCallback(names: string): RealtimeError {
  return new RealtimeError(
    "invalid_config",
    `Callbacks are configured, but REALTIME_CALLBACK_${names} is not set. Set it, or remove the variables that begin with REALTIME_CALLBACK_.`,
  );
}
