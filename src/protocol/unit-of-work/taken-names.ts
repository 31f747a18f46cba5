import type { KmipError } from '../../common/errors.ts';
import { nameTaken } from '../../object/names.ts';
import type { CommitResult } from '../../store/store.ts';

/**
 * The commits of one message that a Name prevents which another object has. The message is executed again
 * once: another message may have taken the Name meanwhile, and the operation then answers for its item.
 */
export class TakenNames {
  #count = 0;

  /** Notes the result of a commit of the message. */
  note(result: CommitResult): void {
    if (result === 'taken') this.#count++;
  }

  /** The refusal of the message when Names have prevented two commits; otherwise undefined. */
  get refusal(): KmipError | undefined {
    return this.#count > 1 ? nameTaken() : undefined;
  }
}
