import { getFips, hash, setFips } from 'node:crypto';

/**
 * Makes OpenSSL use nothing but its FIPS provider, in the whole process. Returns what is missing, for the operator, and
 * then has changed nothing. Only for the main thread, before any other cryptography.
 */
export function enterFips(): string | undefined {
  if (getFips() === 1 && hashes('sha256')) return undefined;
  try {
    setFips(true);
    // Without the provider OpenSSL agrees as well, and then knows no algorithm at all.
    if (hashes('sha256') && !hashes('md5')) return undefined;
    setFips(false);
  } catch {
    // What follows says the same.
  }
  return 'FIPS mode is asked for, but OpenSSL has no FIPS provider: let OPENSSL_MODULES name the folder of fips.so (OpenSSL 3.x, built for it) and OPENSSL_CONF a file whose section nodejs_conf activates the providers fips and base, or leave fips out';
}

function hashes(name: string): boolean {
  try {
    return hash(name, '') !== '';
  } catch {
    return false;
  }
}
