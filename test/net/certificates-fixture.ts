import type { ConnectionOptions } from 'node:tls';
import { createAuthority, issueClient, issueServer } from '../../certs/issue.ts';
import { generateKey, type IssuedCertificate, openAuthority, privateKeyToPem } from '../../certs/keys.ts';

/** Throwaway certificates for the tests of this folder. */

const authorityKey = await generateKey('ec');
/** The authority that listeners trust. */
export const authority = openAuthority(await createAuthority('Test Authority', authorityKey), authorityKey);
const strangerKey = await generateKey('ec');
/** Another authority. */
export const stranger = openAuthority(await createAuthority('Stranger', strangerKey), strangerKey);
const serverKey = await generateKey('ec');

export const material = {
  cert: await issueServer(authority, serverKey, ['localhost', '127.0.0.1']),
  key: privateKeyToPem(serverKey),
  ca: [authority.certificate],
};

/** TLS options of a client with an issued certificate. */
export function identity({ certificate, key }: IssuedCertificate): ConnectionOptions {
  return { cert: certificate, key: privateKeyToPem(key), ca: authority.certificate };
}

export const demo = identity(await issueClient(authority, 'demo'));
export const other = identity(await issueClient(authority, 'other'));
