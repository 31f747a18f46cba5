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
