/** `MANAGEMENT`: a method refuses what was asked for. The message is one line for the operator. */
export class ManagementError extends Error {
  override readonly name = 'ManagementError';
  readonly code = 'MANAGEMENT';
}

/** `REQUEST`: what came over the socket is no request that the service knows. The message is one line. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly code = 'REQUEST';
}

/** `ACCESS_DENIED`: the role of the caller may not call a method so. The message is one line. */
export class AccessDeniedError extends Error {
  override readonly name = 'AccessDeniedError';
  readonly code = 'ACCESS_DENIED';
}

/**
 * `LOGIN_REFUSED`: an administrator was not recognised. The message is the same whatever was wrong; the
 * reason is for the log and the audit alone.
 */
export class LoginRefusedError extends Error {
  override readonly name = 'LoginRefusedError';
  readonly code = 'LOGIN_REFUSED';
  readonly reason: string;

  constructor(reason: string) {
    super(
      'the login was refused: the name, what proves it, or the state of the administrator is not right, or too many attempts have failed',
    );
    this.reason = reason;
  }
}
