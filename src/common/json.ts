/** What records beside objects hold when they hold facts: JSON in UTF-8, written and read by this server alone. */

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function writeJson(value: object): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

/** `T` is believed: records are sealed, so what opens is what was written. */
export function readJson<T extends object>(content: Uint8Array): T {
  return JSON.parse(decoder.decode(content)) as T;
}
