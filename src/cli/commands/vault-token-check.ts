import { randomFillSync } from 'node:crypto';
import { createInterface } from 'node:readline/promises';
import { isSameBytes } from '../../common/bytes.ts';
import { tokenFlags } from '../../token/cryptoki.ts';
import { TokenFailure } from '../../token/messages.ts';
import type { TokenInspection } from '../../token/token-inspection.ts';
import { type Command, homeOption, print } from '../command.ts';
import { CommandError, UsageError } from '../failure.ts';
import { stateDirectoryAt } from '../state-directory/state-directory.ts';
import { describeReport, formatReport, type TokenReport } from '../token-report.ts';

interface Arguments {
  readonly home: string;
  readonly uri: string;
  readonly json: boolean;
  readonly runs: string;
  readonly 'may-lock-pin': boolean;
}

/** Bytes of what the keyring wraps: its name of 27 and a secret of 32. */
const keyringSecretBytes = 59;

/** Tells what a PKCS #11 token can do for kmipd, and how fast it is. Changes nothing in the token. */
export const vaultTokenCheck: Command<Arguments> = {
  command: 'check',
  describe: 'Show what a PKCS #11 token can do for kmipd, and how fast; tries one login',
  builder: (yargs) =>
    yargs
      .options({
        home: { ...homeOption.home, describe: 'Directory where relative paths in the URI start' },
      })
      .option('uri', {
        type: 'string',
        demandOption: true,
        requiresArg: true,
        describe: 'pkcs11:token=LABEL;object=NAME?module-path=FILE&pin-source=file:FILE (RFC 7512)',
      })
      .option('runs', {
        type: 'string',
        default: '20',
        requiresArg: true,
        describe: 'How often a secret is wrapped and unwrapped to measure the time',
      })
      .option('may-lock-pin', {
        type: 'boolean',
        default: false,
        describe: 'Log in even if the token says that one more failure locks the PIN',
      })
      .option('json', { type: 'boolean', default: false, describe: 'One JSON object' }),
  async run({ home, uri: text, json, runs, 'may-lock-pin': mayLockPin }) {
    const { parseTokenUri } = await import('../../token/token-uri.ts');
    const { TokenInspection } = await import('../../token/token-inspection.ts');
    const count = readRuns(runs);
    const uri = parseTokenUri(text, stateDirectoryAt(home).directory);
    let report: TokenReport;
    try {
      const inspection = await TokenInspection.open(uri, process.env);
      try {
        report = await inspect(inspection, mayLockPin, uri.pinSource !== undefined);
        if (report.problem === undefined) report = { ...report, ...(await measure(inspection, count)) };
      } finally {
        await inspection.close();
      }
    } catch (error) {
      throw isOfToken(error)
        ? new CommandError(`the token cannot be used: ${(error as Error).message}`)
        : error;
    }
    print(json ? JSON.stringify(describeReport(report)) : formatReport(report));
    if (report.problem !== undefined) throw new CommandError(report.problem);
  },
};

function readRuns(runs: string): number {
  const count = /^[0-9]{1,4}$/.test(runs) ? Number(runs) : 0;
  if (count >= 1 && count <= 1_000) return count;
  throw new UsageError('--runs must be a whole number from 1 to 1000');
}

/** Collects the report; what fails after the token was found is a part of it. */
async function inspect(
  inspection: TokenInspection,
  mayLockPin: boolean,
  hasPin: boolean,
): Promise<TokenReport> {
  const { token } = inspection;
  const mechanisms = await inspection.listMechanisms();
  const found = { token, mechanisms };
  const isLastTry = hasPin && (token.flags & tokenFlags.userPinFinalTry) !== 0;
  if (isLastTry && !mayLockPin && !(await confirmLastTry()))
    return {
      ...found,
      login: 'not tried',
      problem: 'no login was tried, because one more failure would lock the PIN; --may-lock-pin tries it',
    };
  let login = 'fails';
  try {
    await inspection.logIn(isLastTry);
    login = 'works';
    const key = await inspection.openKey();
    return { ...found, login, key };
  } catch (error) {
    if (!isOfToken(error)) throw error;
    return { ...found, login, problem: (error as Error).message };
  }
}

/** Wraps and unwraps random secrets by the key that was opened. */
async function measure(
  inspection: TokenInspection,
  runs: number,
): Promise<Pick<TokenReport, 'milliseconds' | 'runs'>> {
  const times: number[] = [];
  for (let run = 0; run < runs; run++) {
    const secret = randomFillSync(new Uint8Array(keyringSecretBytes));
    const started = performance.now();
    const unwrapped = await inspection.unwrap(await inspection.wrap(secret));
    times.push(performance.now() - started);
    if (unwrapped === undefined || !isSameBytes(unwrapped, secret))
      throw new CommandError('the token does not return the secret that it has wrapped');
  }
  return { milliseconds: times.sort((a, b) => a - b)[Math.floor(runs / 2)] ?? 0, runs };
}

/** Asks on the terminal; without one, the answer is no. */
async function confirmLastTry(): Promise<boolean> {
  if (!process.stdin.isTTY) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(
      'One more failed login locks the PIN. Log in all the same? [y/N] ',
    );
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}

/** Whether the message of an error is written for operators and lacks the name of the token only. */
function isOfToken(error: unknown): boolean {
  return error instanceof TokenFailure || (error as { code?: unknown }).code === 'TOKEN_PROCESS_ENDED';
}
