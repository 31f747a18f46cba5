import { maxBodyBytes } from '../frames.ts';
import { encodeJson, type MechanismDescription } from '../messages.ts';

/** Bytes around the mechanisms of a page: `{"total":…,"mechanisms":[…]}`. */
const frameBytes = 64;

/** Returns the page that begins with the mechanism `from`, with as many as fit into a frame. */
export function packPage(mechanisms: readonly MechanismDescription[], from: number): Uint8Array {
  const page: MechanismDescription[] = [];
  let left = maxBodyBytes - frameBytes;
  for (const mechanism of mechanisms.slice(from)) {
    left -= JSON.stringify(mechanism).length + 1;
    if (left < 0) break;
    page.push(mechanism);
  }
  return encodeJson({ total: mechanisms.length, mechanisms: page });
}
