import { zstdCompressSync } from 'node:zlib';
import t from 'tap';
import { decodeBlock } from '../../../src/store/audit/audit-block.ts';

t.test('bytes that no kmipd has sealed are no block, and end nothing', async (t) => {
  const tooLong = zstdCompressSync(new Uint8Array(64 * 1_024 * 1_024 + 1));
  const wrong: Readonly<Record<string, Uint8Array>> = {
    nothing: Uint8Array.of(),
    'another format': Uint8Array.of(3, 1, 2),
    'no zstd': Uint8Array.of(2, 1, 2, 3),
    'more than a block has': Buffer.concat([Uint8Array.of(2), tooLong]),
    'half of an entry': Uint8Array.of(1, ...new Uint8Array(19)),
    'an entry longer than the block': Uint8Array.of(1, ...new Uint8Array(16), 0, 0, 0, 1),
  };
  for (const [name, bytes] of Object.entries(wrong)) t.equal(decodeBlock(bytes), undefined, name);
  const [entry] = decodeBlock(Uint8Array.of(1, ...new Uint8Array(16), 0, 0, 0, 1, 0x78)) ?? [];
  t.equal(entry?.text, 'x');
});
