import { type KeyOptions, keyOf } from "../key.ts";

/**
 * Returns a function that says whether the service has refused the key of a topic and its options.
 *
 * @param keys The keys of the request.
 * @param data Errors of the service, by the index of a key: `{ subscriptions: { "0": … } }`.
 */
export function refusedBy(keys: readonly string[], data: unknown) {
  const refused = Object.keys(Object(Object(data).subscriptions)).map(
    (index) => keys[Number(index)],
  );
  return (topic: string, options: KeyOptions): boolean =>
    refused.some((key = "") => {
      // A key may have a variant, so that it differs from another key with the same options.
      const variant = /%22variant%22%3A(\d+)%7D%7D$/.exec(key)?.[1];
      return keyOf(topic, options, Number(variant ?? 0)) === key;
    });
}
