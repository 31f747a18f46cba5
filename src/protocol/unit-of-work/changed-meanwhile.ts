/** Is thrown when an operator's change lost against another one. The message is one line with the remedy. */
export class ChangedMeanwhileError extends Error {
  override readonly name = 'ChangedMeanwhileError';
  readonly code = 'CHANGED_MEANWHILE';

  /** `what` changed, with its verb, such as "the mark was". */
  constructor(what: string) {
    super(`${what} changed at the same time; try again`);
  }
}
