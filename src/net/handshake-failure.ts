import type { TLSSocket } from 'node:tls';

/** Why a handshake failed, for the operator. Level `debug`: frequent and harmless, such as a port probe. */
export interface HandshakeFailure {
  readonly reason: string;
  readonly level: 'warn' | 'debug';
  /** Code of OpenSSL or Node. */
  readonly code: string;
}

/** Texts for the codes of OpenSSL and Node; other codes are reported as they are. */
const reasonsByCode: Readonly<Record<string, string>> = {
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'no client certificate',
  ERR_SSL_HTTP_REQUEST: 'HTTP instead of TLS',
  ERR_SSL_WRONG_VERSION_NUMBER: 'not TLS',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'not TLS',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'the client offers only old TLS versions',
  ERR_SSL_NO_SHARED_CIPHER: 'no cipher suite in common',
  ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM: 'no signature algorithm in common',
  ERR_TLS_HANDSHAKE_TIMEOUT: 'handshake timeout',
  CERT_HAS_EXPIRED: 'client certificate expired',
  CERT_NOT_YET_VALID: 'client certificate not yet valid',
  UNABLE_TO_GET_ISSUER_CERT: 'unknown issuer of the client certificate',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'unknown issuer of the client certificate',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'unknown issuer of the client certificate',
  SELF_SIGNED_CERT_IN_CHAIN: 'unknown issuer of the client certificate',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'self-signed client certificate that is not enrolled',
  INVALID_PURPOSE: 'client certificate is not for TLS clients',
  INVALID_CA: 'issuer of the client certificate is no authority',
  PATH_LENGTH_EXCEEDED: 'more authorities above the client certificate than one of them allows',
  CERT_CHAIN_TOO_LONG: 'too many certificates above the client certificate',
  CERT_SIGNATURE_FAILURE: 'signature of the client certificate is wrong',
  // Node has no name for OpenSSL's other codes.
  UNSPECIFIED:
    'client certificate or its issuer refused: weak key or signature, Key Usage, critical extension',
};

/**
 * Texts for the alerts by which a client rejects the server's certificate (RFC 8446 §6.2), by OpenSSL's name.
 */
const reasonsByAlert: Readonly<Record<string, string>> = {
  UNKNOWN_CA: 'the client does not trust the server certificate',
  BAD_CERTIFICATE: 'the client rejects the server certificate',
  UNSUPPORTED_CERTIFICATE: 'the client does not support the type of the server certificate',
  CERTIFICATE_UNKNOWN: 'the client rejects the server certificate',
  CERTIFICATE_EXPIRED: 'the client considers the server certificate expired',
  ACCESS_DENIED: 'the client rejects the server certificate',
};

/** Classifies the error of a `tlsClientError` event on `socket`. */
export function classifyHandshakeFailure(
  error: Error & { code?: string },
  socket: TLSSocket,
): HandshakeFailure {
  // After a failed certificate verification the error is only ECONNRESET; the socket keeps the verification
  // code.
  const code = (socket.authorizationError as unknown as string | null) ?? error.code ?? 'unknown';
  if (code === 'ECONNRESET' || code === 'EPIPE')
    return { reason: 'connection closed by the client', level: 'debug', code };
  const alert = /_ALERT_(.+)$/.exec(code)?.[1];
  if (alert !== undefined)
    return {
      reason: reasonsByAlert[alert] ?? `TLS alert from the client: ${alert.toLowerCase()}`,
      level: 'warn',
      code,
    };
  return { reason: reasonsByCode[code] ?? code, level: 'warn', code };
}
