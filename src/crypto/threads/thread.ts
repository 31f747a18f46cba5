import { type MessagePort, parentPort } from 'node:worker_threads';
import { work } from './thread-work.ts';
import type { Outcome, ThreadTask } from './threads.ts';

/** What a thread of the cryptography runs: one order after the other. */

const port = parentPort as MessagePort;

port.on('message', async ({ name, values }: ThreadTask) => {
  const outcome = await perform(name, values);
  for (const value of values) wipe(value);
  const { value } = outcome as { readonly value?: unknown };
  port.postMessage(outcome, value instanceof Uint8Array ? [value.buffer as ArrayBuffer] : []);
});

async function perform(name: ThreadTask['name'], values: ThreadTask['values']): Promise<Outcome> {
  try {
    const does = work[name] as (...values: readonly unknown[]) => unknown;
    return { value: moved(await does(...values)) };
  } catch (error) {
    const { name, message } = error as Error;
    return { error: { name, message } };
  }
}

/** Bytes that can be moved: not part of a larger buffer, and not OpenSSL's. */
function moved(value: unknown): unknown {
  if (!(value instanceof Uint8Array)) return value;
  const own = new Uint8Array(value);
  value.fill(0);
  return own;
}

function wipe(value: unknown): void {
  if (value instanceof Uint8Array) value.fill(0);
  else if (typeof value === 'object' && value !== null) for (const each of Object.values(value)) wipe(each);
}
