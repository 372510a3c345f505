/** The options with a URL that the service calls. */
import type { IntrospectionOptions } from "../api/auth/introspection.ts";
import type { CallbackOptions } from "../api/callbacks/options.ts";
import { RealtimeError } from "../realtime/errors.ts";
import type { VariableValues } from "./variables.ts";

/** Undefined without REALTIME_INTROSPECT_URL. */
export function introspectionOptions(values: VariableValues): IntrospectionOptions | undefined {
  const url = values.REALTIME_INTROSPECT_URL;
  if (url === undefined) return undefined;
  return {
    url,
    cacheTime: values.REALTIME_INTROSPECT_SECONDS,
    clockSkew: values.REALTIME_JWT_SKEW_SECONDS,
    allowNoExpiry: values.REALTIME_JWT_ALLOW_NO_EXPIRY,
  };
}

/** @throws RealtimeError `invalid_config` when only some of the variables are set. The service would silently ask nothing then. */
export function callbackOptions(values: VariableValues): CallbackOptions | undefined {
  const { REALTIME_CALLBACK_URL: url, REALTIME_CALLBACK_SECRET: secret } = values;
  const { REALTIME_CALLBACK_ASK: ask, REALTIME_CALLBACK_TELL: tell } = values;
  const { REALTIME_CALLBACK_HEADERS: headers } = values;
  if (url === undefined && (secret ?? ask ?? tell ?? headers) === undefined) return undefined;
  if (url === undefined) throw missingCallback("URL");
  if (secret === undefined) throw missingCallback("SECRET");
  if ((ask ?? tell) === undefined) throw missingCallback("ASK or REALTIME_CALLBACK_TELL");
  return { url, secret, ask, tell, headers, timeout: values.REALTIME_CALLBACK_TIMEOUT_SECONDS };
}

function missingCallback(names: string): RealtimeError {
  return new RealtimeError(
    "invalid_config",
    `Callbacks are configured, but REALTIME_CALLBACK_${names} is not set. Set it, or remove the variables that begin with REALTIME_CALLBACK_.`,
  );
}
