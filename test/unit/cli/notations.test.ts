import { test } from 'tap';
import { readNotation, requireTtlv } from '../../../src/cli/decoding/notations.ts';

/** Two items, of 16 and 24 bytes, with equal rows of 8 in between: a dump may leave those out. */
const bytes = Uint8Array.fromHex(
  '42006a02000000040000000100000000420043080000001000000000000000000000000000000000',
);

const pairs = (from: number, to: number, between = ' ') =>
  [...bytes.subarray(from, to)].map((byte) => byte.toString(16).padStart(2, '0')).join(between);
const words = (from: number, to: number) => pairs(from, to, '').replaceAll(/.{4}(?=.)/g, '$& ');
const c = (text: string) => text.replaceAll(/[0-9a-f]{2}/g, '0x$&');

/** What the programs print for these bytes. */
const notations: Readonly<Record<string, string>> = {
  'hexdump -C': [
    `00000000  ${pairs(0, 8)}  ${pairs(8, 16)}  |B.j.............|`,
    `00000010  ${pairs(16, 24)}  ${pairs(24, 32)}  |B.C.............|`,
    `00000020  ${pairs(32, 40)}                          |........|`,
    '00000028',
    '',
  ].join('\n'),
  xxd: [
    `00000000: ${words(0, 16)}  B.j.............`,
    `00000010: ${words(16, 32)}  B.C.............`,
    `00000020: ${words(32, 40)}                      ........`,
  ].join('\n'),
  'xxd -c 8, rows whose characters are digits': [
    `00000000: ${words(0, 8)}  B.j.....`,
    `00000008: ${words(8, 16)}  abcdef01`,
    `00000010: ${words(16, 24)}  B.C.....`,
    `00000018: ${words(24, 32)}  00000000`,
    `00000020: ${words(32, 40)}  ababab00`,
  ].join('\n'),
  'xxd -p': pairs(0, 40, ''),
  'xxd -i with a declaration': `unsigned char m[] = {\n  ${c(pairs(0, 12, ', '))},\n  ${c(pairs(12, 40, ', '))}\n};\nunsigned int m_len = 40;\n`,
  'an array of C without braces': c(pairs(0, 40, ', ')),
  'a slice of Go': `[]byte{${c(pairs(0, 40, ', '))},}`,
  'a list of Python': `[${c(pairs(0, 40, ', '))}]`,
  'a list of Python in decimal': `[${[...bytes].join(', ')}]`,
  'what Go prints for a slice': `[${[...bytes].join(' ')}]`,
  'an array of C with decimal numbers': `{ ${[...bytes].map((byte) => (byte < 5 ? byte : `0x${byte.toString(16)}`)).join(', ')} }`,
  'what Python prints for bytes': `b'B\\x00j\\x02\\x00\\x00\\x00\\x04\\x00\\x00\\x00\\x01\\x00\\x00\\x00\\x00B\\x00C\\x08\\x00\\x00\\x00\\x10${'\\x00'.repeat(16)}'`,
  'a string of C with octal escapes': `"B\\0j\\2\\0\\0\\0\\4\\0\\0\\0\\1${'\\0'.repeat(4)}B\\0C\\b\\0\\0\\0\\20${'\\0'.repeat(16)}"`,
  'a string of Python': `b"${pairs(0, 40, '').replaceAll(/../g, '\\x$&')}"`,
  'a string of C in two pieces': `"${pairs(0, 20, '').replaceAll(/../g, '\\x$&')}"\n"${pairs(20, 40, '').replaceAll(/../g, '\\x$&')}";`,
  'od -t x1, octal offsets': [
    `0000000 ${pairs(0, 16)}`,
    `0000020 ${pairs(16, 32)}`,
    `0000040 ${pairs(32, 40)}`,
    '0000050',
  ].join('\n'),
  'od -A d -t x1, decimal offsets': [
    `0000000 ${pairs(0, 16)}`,
    `0000016 ${pairs(16, 32)}`,
    `0000032 ${pairs(32, 40)}`,
    '0000040',
  ].join('\n'),
  'hexdump -C of rows of 8, equal ones left out': [
    `00000000  ${pairs(0, 8)}`,
    `00000008  ${pairs(8, 16)}`,
    `00000010  ${pairs(16, 24)}`,
    `00000018  ${pairs(24, 32)}`,
    '*',
    '00000028',
  ].join('\n'),
  'tcpdump -X': [
    `\t0x0000:  ${words(0, 16)}  B.j.............`,
    `\t0x0010:  ${words(16, 32)}  B.C.............`,
    `\t0x0020:  ${words(32, 40)}  ........`,
  ].join('\n'),
  Wireshark: [
    `0000   ${pairs(0, 16)}   B.j.............`,
    `0010   ${pairs(16, 32)}   B.C.............`,
    `0020   ${pairs(32, 40)}   ........`,
  ].join('\n'),
  'lines that end as on Windows': `0000   ${pairs(0, 16)}\r\n0010   ${pairs(16, 40)}\r\n`,
  Base64: bytes.toBase64(),
  'Base64 in lines': `${bytes.toBase64().slice(0, 20)}\n${bytes.toBase64().slice(20)}\n`,
  Base64url: bytes.toBase64({ alphabet: 'base64url', omitPadding: true }),
  'the barred notation': pairs(0, 40).replaceAll(/.{11}(?=.)/g, '$&|'),
};

for (const [name, text] of Object.entries(notations)) {
  test(`reads ${name}`, (t) => {
    t.same(readNotation(text), bytes);
    t.end();
  });
}

test('leaves what is no notation of bytes to others', (t) => {
  for (const text of [
    'hello, world',
    'GET / HTTP/1.1',
    '{"tag": 1}',
    '0x42 and more',
    '// 0x42, 0x00',
    'nosuchfile',
    '',
  ])
    t.equal(readNotation(text), undefined, JSON.stringify(text));
  t.end();
});

test('names the row of a dump that its offsets contradict', (t) => {
  const dump = (second: string, rest: string) =>
    `00000000  ${pairs(0, 16)}\n${second}  ${rest}\n00000020  ${pairs(32, 40)}`;
  t.throws(() => readNotation(dump('00000018', pairs(16, 24))), /line 1 of the dump does not hold 24 bytes/);
  t.throws(() => readNotation(dump('00000010', pairs(16, 31))), /line 2 of the dump does not hold 16 bytes/);
  t.throws(
    () => readNotation(`${dump('00000010', pairs(16, 32))}\n*\n00000010`),
    /begins at offset 00000010/,
  );
  t.throws(() => readNotation('42007'), /odd number of digits \(5\)/);
  t.end();
});

test('refuses what cannot be TTLV and says what it looks like', (t) => {
  const refused: readonly (readonly [string, RegExp])[] = [
    ['160301020001000100', /a TLS handshake/],
    ['1703030040', /a TLS record/],
    [new TextEncoder().encode('GET / HTTP/1.1').toHex(), /HTTP: give the body alone/],
    [new TextEncoder().encode('-----BEGIN CERTIFICATE-----').toHex(), /PEM/],
    ['30820100', /DER/],
    ['d4c3b2a102000400', /a capture file/],
    ['0042017800007000', /byte order of the machine/],
    ['00000000', /begins with 00 00 00 00, a message with 42 00 78 01 or 42 00 7b 01$/],
    ['420078ff00000000', /begins with 42 00 78 ff/],
  ];
  for (const [hex, message] of refused) t.throws(() => requireTtlv(Uint8Array.fromHex(hex)), message, hex);
  for (const hex of ['4200', '4200780100000000', '54000107'])
    t.doesNotThrow(() => requireTtlv(Uint8Array.fromHex(hex)), hex);
  t.end();
});
