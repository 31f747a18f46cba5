/** Errors of values in direct mode, whose data keys a token wraps. */

/**
 * `VALUE_TOKEN_UNAVAILABLE`: the token that wraps the key of a value cannot be used now; the log has the
 * reason. GeneralFailure.
 */
export class ValueTokenUnavailableError extends Error {
  override readonly name = 'ValueTokenUnavailableError';
  readonly code = 'VALUE_TOKEN_UNAVAILABLE';

  constructor(
    message = 'the token that protects the value cannot be used now: try again',
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * `VALUE_ROOT_MISSING`: the root whose token wraps the key of a value is none of the configuration; the
 * message is one line for the operator.
 */
export class ValueRootMissingError extends Error {
  override readonly name = 'ValueRootMissingError';
  readonly code = 'VALUE_ROOT_MISSING';
}
