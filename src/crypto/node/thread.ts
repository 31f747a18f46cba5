import { type MessagePort, parentPort } from 'node:worker_threads';
import { createPortError } from '../errors.ts';
import type { Outcome, ThreadTask } from '../threads/threads.ts';
import { threadFunctions } from './thread-functions.ts';

/* The module that a thread of the cryptography runs: one task after the other. */

const port = parentPort as MessagePort;

port.on('message', async (task: ThreadTask) => {
  const outcome = await perform(task);
  for (const value of task.values) wipe(value);
  const { value } = outcome as { readonly value?: unknown };
  port.postMessage(outcome, value instanceof Uint8Array ? [value.buffer as ArrayBuffer] : []);
});

async function perform({ name, values }: ThreadTask): Promise<Outcome> {
  try {
    const run = threadFunctions[name as keyof typeof threadFunctions] as (
      ...values: readonly unknown[]
    ) => unknown;
    return { value: makeTransferable(await run(...values)) };
  } catch (error) {
    return { error: describeError(error as Error & { readonly code?: string }) };
  }
}

/**
 * Names the class of an error that is not the port's, because nothing else tells it apart on the other side.
 */
function describeError({ code, name, message }: Error & { readonly code?: string }) {
  const isPortError = createPortError(code, message) !== undefined;
  return isPortError ? { code, message } : { code: undefined, message: `${name}: ${message}` };
}

/**
 * Copies bytes into a buffer of their own, because part of a larger buffer or OpenSSL's memory cannot be
 * moved.
 */
function makeTransferable(value: unknown): unknown {
  if (!(value instanceof Uint8Array)) return value;
  const copy = new Uint8Array(value);
  value.fill(0);
  return copy;
}

function wipe(value: unknown): void {
  if (value instanceof Uint8Array) value.fill(0);
  else if (typeof value === 'object' && value !== null) for (const each of Object.values(value)) wipe(each);
}
