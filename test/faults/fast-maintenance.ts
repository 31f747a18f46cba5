import { syncBuiltinESMExports } from 'node:module';
import promises from 'node:timers/promises';

/**
 * Is loaded before a daemon whose maintenance shall meet kills: expired records are deleted several times a
 * second, and a verification in the background begins soon after the one before.
 */

const { setInterval } = globalThis;
const { setTimeout } = promises;

/** The interval of the tasks in src/protocol/jobs/maintenance.ts; each twelfth deletes. */
const tasks = { name: 'runTasks', milliseconds: 10 };
/** A wait of so many milliseconds is the one before a verification in the background. */
const minVerificationWait = 600_000;
const verificationWait = 150;

globalThis.setInterval = ((
  callback: (...args: unknown[]) => void,
  milliseconds?: number,
  ...args: unknown[]
) =>
  setInterval(
    callback,
    callback.name === tasks.name ? tasks.milliseconds : milliseconds,
    ...args,
  )) as typeof setInterval;

promises.setTimeout = ((milliseconds = 1, ...rest: [unknown?, object?]) =>
  setTimeout(
    milliseconds >= minVerificationWait ? verificationWait : milliseconds,
    ...rest,
  )) as typeof setTimeout;
syncBuiltinESMExports();
