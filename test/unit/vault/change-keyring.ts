import type { StoredKeyring } from '../../../src/vault/vault.ts';

export type Json = ReturnType<typeof JSON.parse>;

/** Returns the keyring with its JSON changed, as somebody without the root key can change it. */
export function change(stored: StoredKeyring, edit: (json: Json) => unknown): StoredKeyring {
  const json = JSON.parse(Buffer.from(stored.content.subarray(32)).toString());
  edit(json);
  const text = Buffer.from(JSON.stringify(json));
  return { generation: json.generation, content: Buffer.concat([stored.content.subarray(0, 32), text]) };
}
