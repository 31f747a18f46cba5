import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAuthority } from '../../certs/issue.ts';
import { generateKey, privateKeyToPem } from '../../certs/keys.ts';
import { totpCode, totpStepSeconds } from '../../src/identity/totp.ts';

/** Credentials of administrators, as their holders have them. */

/** Writes `NAME.pem`, a self-signed certificate, and `NAME.key`; returns the path of the first. */
export async function writeCertifiedKey(directory: string, name: string): Promise<string> {
  const key = await generateKey('ec');
  writeFileSync(join(directory, `${name}.key`), privateKeyToPem(key), { mode: 0o600 });
  const certificate = join(directory, `${name}.pem`);
  writeFileSync(certificate, await createAuthority(name, key));
  return certificate;
}

/** Decodes Base32 (RFC 4648 §6). */
export function base32ToBytes(text: string): Uint8Array {
  const bits = [...text]
    .map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'))
    .join('');
  return Uint8Array.from(bits.match(/.{8}/g) ?? [], (byte) => Number.parseInt(byte, 2));
}

/** Returns the one-time password of this step, or so many steps later. */
export function codeAt(secret: Uint8Array, steps: number): string {
  const step = Math.floor(Date.now() / 1000 / totpStepSeconds) + steps;
  return new TextDecoder().decode(totpCode(secret, step, 'SHA1'));
}
