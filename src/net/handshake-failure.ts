import type { TLSSocket } from 'node:tls';

/** Why a handshake failed, in words for the operator. `debug`: happens all the time and means nothing. */
export interface HandshakeFailure {
  readonly reason: string;
  readonly level: 'warn' | 'debug';
}

/** OpenSSL's and Node's codes; what is not listed is given as its code. */
const reasonsByCode: Readonly<Record<string, string>> = {
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'no client certificate',
  ERR_SSL_HTTP_REQUEST: 'not TLS but HTTP',
  ERR_SSL_WRONG_VERSION_NUMBER: 'not TLS',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'not TLS',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'the client offers only old versions of TLS',
  ERR_SSL_NO_SHARED_CIPHER: 'no cipher suite in common',
  ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM: 'no signature algorithm in common',
  ERR_TLS_HANDSHAKE_TIMEOUT: 'the handshake took too long',
  CERT_HAS_EXPIRED: 'client certificate expired',
  CERT_NOT_YET_VALID: 'client certificate not yet valid',
  UNABLE_TO_GET_ISSUER_CERT: 'unknown issuer of the client certificate',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'unknown issuer of the client certificate',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'unknown issuer of the client certificate',
  SELF_SIGNED_CERT_IN_CHAIN: 'unknown issuer of the client certificate',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'self-signed client certificate that is not enrolled',
  INVALID_PURPOSE: 'client certificate is not for TLS clients',
};

/** What a client says when our certificate is not to its liking: RFC 8446 §6.2. OpenSSL puts the alert's name into the code. */
const reasonsByAlert: Readonly<Record<string, string>> = {
  UNKNOWN_CA: 'the client does not trust our certificate',
  BAD_CERTIFICATE: 'the client does not accept our certificate',
  UNSUPPORTED_CERTIFICATE: 'the client does not accept our kind of certificate',
  CERTIFICATE_UNKNOWN: 'the client does not accept our certificate',
  CERTIFICATE_EXPIRED: 'the client finds our certificate expired',
  ACCESS_DENIED: 'the client does not accept our certificate',
};

/** Classifies what `tlsClientError` brings. */
export function classifyHandshakeFailure(error: Error & { code?: string }, socket: TLSSocket): HandshakeFailure {
  // A certificate that fails verification ends as a mere hang-up; the verdict, a code, is kept on the socket.
  const code = (socket.authorizationError as unknown as string | null) ?? error.code ?? 'unknown';
  if (code === 'ECONNRESET' || code === 'EPIPE') return { reason: 'the client hung up', level: 'debug' };
  const alert = /_ALERT_(.+)$/.exec(code)?.[1];
  if (alert !== undefined)
    return { reason: reasonsByAlert[alert] ?? `the client ended it: ${alert.toLowerCase()}`, level: 'warn' };
  return { reason: reasonsByCode[code] ?? code, level: 'warn' };
}
