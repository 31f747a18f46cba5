import t from 'tap';
import { Secret } from '../../../src/common/secret.ts';
import { encryptSecret, SecretReceiver } from '../../../src/common/secret-transfer.ts';

t.test('a secret reaches the process that it is for, and no other', (t) => {
  const receiver = new SecretReceiver();
  const bytes = new TextEncoder().encode('kmipd-share:a share');
  const sent = encryptSecret(Secret.copyOf(bytes), receiver.publicKey);
  t.strictSame(receiver.decrypt(sent)?.bytes, bytes);
  t.notMatch(Buffer.from(sent, 'base64').toString('latin1'), /share/);
  t.not(encryptSecret(Secret.copyOf(bytes), receiver.publicKey), sent);
  t.equal(new SecretReceiver().decrypt(sent), undefined);
  const raw = Uint8Array.fromBase64(sent);
  for (let at = 0; at < raw.length; at += 1)
    t.equal(receiver.decrypt(raw.with(at, (raw[at] ?? 0) ^ 1).toBase64()), undefined, `byte ${at}`);
  for (const length of [0, 3, 4, 90, 95, 100, raw.length - 1])
    t.equal(receiver.decrypt(raw.slice(0, length).toBase64()), undefined, `${length} bytes`);
  t.equal(receiver.decrypt('no base64!'), undefined);
  t.equal(receiver.decrypt(''), undefined);
  t.end();
});
