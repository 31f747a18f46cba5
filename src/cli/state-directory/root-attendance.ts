import { isatty } from 'node:tty';
import type { Secret } from '../../common/secret.ts';
import { readNewSecretInput, readSecretInput } from '../password-input.ts';
import type { RootAttendance } from './root-sources.ts';

const standardInput = 0;

/** The people at the terminal of this process; nobody where there is none. */
export function attendanceAtTerminal(): RootAttendance {
  if (!isatty(standardInput)) return {};
  return {
    askPassphrase: (isNew) =>
      isNew ? readNewSecretInput('new passphrase of the root') : readSecretInput('passphrase of the root'),
  };
}

/** Shows the lines of new shares on standard output, one for each custodian, and never again. */
export async function showShares(lines: readonly Secret[]): Promise<void> {
  const write = (bytes: Uint8Array) =>
    new Promise<void>((resolve, reject) => {
      process.stdout.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  const say = (text: string) => write(new TextEncoder().encode(text));
  await say('The shares of the root are shown once, now. Give each line to another custodian:\n\n');
  for (const { bytes } of lines) await write(bytes);
  await say('\nNobody can make them again; each custodian gives his own by: kmipd vault unseal\n');
}
