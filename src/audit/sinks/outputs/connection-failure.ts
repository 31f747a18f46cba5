import { describeFileError } from '../../../common/regular-file.ts';
import { SinkDeliveryError } from './output.ts';

/** Explanations of errors of connections, by their code. */
const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused; is the server running?',
  ECONNRESET: 'the server has closed the connection',
  EPIPE: 'the server has closed the connection',
  ENOTFOUND: 'the host name is unknown',
  EAI_AGAIN: 'the host name cannot be looked up now',
  EHOSTUNREACH: 'there is no way to the host',
  ENETUNREACH: 'there is no way to the network',
  ETIMEDOUT: 'the host does not answer',
  ENOENT: 'there is no such socket; is the server running?',
  EACCES: 'permission denied; let the user of kmipd write to the socket',
  EPROTOTYPE:
    'this is a datagram socket, and kmipd uses stream sockets only; let the syslog server listen on TCP at 127.0.0.1',
  ENOTSOCK: 'this is not a socket',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate of the server is for another host name',
  CERT_HAS_EXPIRED: 'the certificate of the server has expired',
  CERT_NOT_YET_VALID: 'the certificate of the server is not valid yet; look at the clock',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate of the server is self-signed; name it as "ca" to trust it',
  SELF_SIGNED_CERT_IN_CHAIN: 'the authority of the server is not trusted; name it as "ca"',
  UNABLE_TO_GET_ISSUER_CERT: 'the authority of the server is not trusted; name it as "ca"',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the authority of the server is not trusted; name it as "ca"',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the authority of the server is not trusted; name it as "ca"',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'the server wants a certificate; name "certificate" and "key"',
  ERR_SSL_WRONG_VERSION_NUMBER: 'the server does not use TLS on this port',
  EPROTO: 'TLS cannot be agreed on; does the server use TLS on this port?',
};

/** Returns an error of a connection as one line that names the other side. */
export function connectionFailure(peer: string, error: unknown): SinkDeliveryError {
  if (error instanceof SinkDeliveryError) return error;
  const code = codeOf(error);
  const reason = reasons[code] ?? describeFileError(error) ?? (code === '' ? 'the connection failed' : code);
  return new SinkDeliveryError(`${peer}: ${reason}`, { cause: error });
}

/** Node tries several addresses of a host; the first error stands for all. */
function codeOf(error: unknown): string {
  const first = error instanceof AggregateError ? error.errors[0] : error;
  return String((first as NodeJS.ErrnoException | undefined)?.code ?? '');
}
