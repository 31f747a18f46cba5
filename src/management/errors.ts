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

/**
 * `APPROVAL_PENDING`: a call was stored as a request, which another administrator has to approve. The message
 * is one line.
 */
export class ApprovalPendingError extends Error {
  override readonly name = 'ApprovalPendingError';
  readonly code = 'APPROVAL_PENDING';
  /** Identifier of the request. */
  readonly request: string;
  /** POSIX seconds. */
  readonly expiresAt: number;

  constructor(request: string, expiresAt: number) {
    const until = new Date(expiresAt * 1000).toISOString().replace('.000Z', 'Z');
    super(
      `nothing was changed yet: another administrator has to approve it until ${until}, by kmipd approval approve ${request}`,
    );
    this.request = request;
    this.expiresAt = expiresAt;
  }
}
