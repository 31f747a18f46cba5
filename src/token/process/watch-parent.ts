import { readSync } from 'node:fs';

/**
 * A thread that ends the process when the daemon is gone, although the main thread may wait for a call of
 * the vendor's library that never returns. The daemon writes nothing to this descriptor.
 */
const lifeline = 4;

try {
  readSync(lifeline, new Uint8Array(1));
} finally {
  // An exit would wait for the main thread.
  process.kill(process.pid, 'SIGKILL');
}
