import { closeSync, openSync } from 'node:fs';
import { encodeJson } from '../../../src/token/messages.ts';
import { ProcessEndedError, TokenProcess } from '../../../src/token/token-process.ts';

/**
 * Starts processes of a token with fewer descriptors left than one needs, then with enough; prints what has
 * become of each as one JSON array. An error that nobody handles ends it by another code than 0.
 */

const open: number[] = [];

/** Opens files until there is no descriptor left. */
function starve(): void {
  for (;;)
    try {
      open.push(openSync('/dev/null', 'r'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EMFILE') return;
      throw error;
    }
}

/** Resolves to the answer of a process without a library, or to why there is none. */
async function ask(): Promise<string> {
  try {
    const child = new TokenProcess({});
    try {
      return String(await child.request('ping', encodeJson({}), 60_000));
    } catch (error) {
      return `${(error as Error).name}: ${(error as Error).message}`;
    } finally {
      await child.close();
    }
  } catch (error) {
    return `${error instanceof ProcessEndedError ? 'not started' : 'thrown'}: ${(error as Error).message}`;
  } finally {
    // Node emits errors of a spawn later.
    await new Promise(setImmediate);
  }
}

const answers: string[] = [await ask()];
for (let left = 0; left <= 12; left++) {
  starve();
  for (const descriptor of open.splice(0, left)) closeSync(descriptor);
  answers.push(await ask());
}
for (const descriptor of open.splice(0)) closeSync(descriptor);
answers.push(await ask());
console.log(JSON.stringify(answers));
