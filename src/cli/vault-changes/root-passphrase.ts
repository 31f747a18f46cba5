import { isatty } from 'node:tty';
import { Secret } from '../../common/secret.ts';
import { requirePassphrase } from '../../vault/roots/passphrase-root.ts';
import { readNewSecretInput, readSecretInput } from '../password-input.ts';
import { attendanceAtTerminal } from '../state-directory/root-attendance.ts';
import type { RootAttendance } from '../state-directory/root-sources.ts';

const standardInput = 0;

/**
 * The passphrase of a root, for one command. A file or a pipe is read once, however often the root is opened,
 * and so is a terminal once a new passphrase was typed there.
 */
export class RootPassphrase implements Disposable {
  readonly #file: string | undefined;
  #given: Secret | undefined;

  /** `file`: left out, the terminal or a pipe has it. */
  constructor(file: string | undefined) {
    this.#file = file;
  }

  /**
   * Returns a copy of it, without the end of its line.
   * @param isNew whether it must be long enough, and is typed twice
   * @throws {CommandError} when nothing is given; {VaultUnavailableError} when it is no passphrase
   */
  async read(isNew: boolean): Promise<Secret> {
    this.#given ??= await this.#ask(isNew);
    return Secret.copyOf(this.#given.bytes);
  }

  /**
   * Who opens the root where this process opens the database.
   * @param isTyped whether the root that is given is such a passphrase; a pipe is not read for another one
   */
  attendance(isTyped: boolean): RootAttendance {
    const atTerminal = attendanceAtTerminal();
    const ask = async (isNew: boolean) =>
      this.#given === undefined && atTerminal.askPassphrase !== undefined && this.#file === undefined
        ? atTerminal.askPassphrase(isNew)
        : this.read(isNew);
    return this.#file !== undefined || isTyped ? { ...atTerminal, askPassphrase: ask } : atTerminal;
  }

  async #ask(isNew: boolean): Promise<Secret> {
    const isAtTerminal = this.#file === undefined && isatty(standardInput);
    using input =
      isNew && isAtTerminal
        ? await readNewSecretInput('new passphrase of the root')
        : await readSecretInput('passphrase of the root', this.#file);
    return requirePassphrase(input, this.#file ?? 'the input', isNew);
  }

  [Symbol.dispose](): void {
    this.#given?.wipe();
  }
}
