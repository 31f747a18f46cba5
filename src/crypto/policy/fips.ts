import { getFips, hash, setFips } from 'node:crypto';

/**
 * Makes OpenSSL use its FIPS provider only, in the whole process. Returns a message for the operator when the
 * provider is missing, and then has changed nothing. May be called on the main thread only, before all other
 * cryptography.
 */
export function enterFips(): string | undefined {
  if (getFips() === 1 && canHash('sha256')) return undefined;
  try {
    setFips(true);
    // OpenSSL accepts the call without the provider too, and then offers no algorithm at all.
    if (canHash('sha256') && !canHash('md5')) return undefined;
    setFips(false);
  } catch {
    // The message below is right for this error too.
  }
  return 'FIPS mode is asked for, but OpenSSL has no FIPS provider: let OPENSSL_MODULES name the folder of fips.so (OpenSSL 3.x, built for it) and OPENSSL_CONF a file whose section nodejs_conf activates the providers fips and base, or leave fips out';
}

function canHash(name: string): boolean {
  try {
    return hash(name, '') !== '';
  } catch {
    return false;
  }
}
