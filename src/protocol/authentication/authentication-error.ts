import { KmipError } from '../../common/errors.ts';

/**
 * The credentials of a message were refused. The message is for the log; the client learns no more than
 * `refusal` says.
 */
export class AuthenticationError extends Error {
  override readonly name = 'AuthenticationError';
  readonly code = 'AUTHENTICATION';
  readonly refusal: KmipError;
  /**
   * Whether operations that need no authentication are answered nevertheless, because nothing wrong was
   * shown.
   */
  readonly isOpen: boolean;

  constructor(reason: string, refusal: KmipError, isOpen = false) {
    super(reason);
    this.refusal = refusal;
    this.isOpen = isOpen;
  }
}

/** Returns the error for credentials that are wrong; `reason` is for the log. */
export function invalidCredentials(reason: string): AuthenticationError {
  return new AuthenticationError(
    reason,
    new KmipError('AuthenticationNotSuccessful', 'the credentials are not valid'),
  );
}

/** Returns the error for a ticket that grants nothing; `reason` is for the log. */
export function invalidTicket(reason: string): AuthenticationError {
  return new AuthenticationError(
    reason,
    new KmipError('InvalidTicket', 'the ticket is not valid', 'AuthenticationNotSuccessful'),
  );
}
