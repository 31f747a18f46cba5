import { readdirSync, readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import t, { type Test } from 'tap';
import { decodeRequest, RequestHeader } from '../../codec/envelope.ts';
import { plan } from '../../codec/plan.ts';
import { tagNumber } from '../../codec/tags.ts';
import { BinaryWriter } from '../../codec/wire/binary-writer.ts';
import { jsonToNode, nodeToJson } from '../../codec/wire/json.ts';
import { decodeBinary, encodeBinary } from '../../codec/wire/message.ts';
import { nodeToXml, xmlToNodes } from '../../codec/wire/xml.ts';
import { bytes, limits } from '../unit/codec/hex.ts';

/**
 * Messages in three encodings: hex with bars, one item for each line, that this codec did not produce, and
 * XML and JSON as the codec writes them. Some are requests of vCenter and kmippp, captured from the products.
 */
const folder = resolve(import.meta.dirname, 'messages');
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.ttlv'))
  .map((file) => basename(file, '.ttlv'));

t.ok(names.length >= 20, 'there are messages');

for (const name of names) {
  t.test(`${name} is the same message in three encodings`, (t) => {
    const text = (ending: string): string => readFileSync(resolve(folder, `${name}.${ending}`), 'utf8');
    const message = bytes(text('ttlv'));
    const xml = text('xml');
    const json = text('json');
    const node = decodeBinary(message, limits);
    t.equal(nodeToXml(node), xml, 'binary → XML');
    t.same(JSON.parse(nodeToJson(node)), JSON.parse(json), 'binary → JSON');
    t.equal(encodeBinary(node).toHex(), message.toHex(), 'binary → binary');
    t.same(
      xmlToNodes(xml, limits).map((each) => encodeBinary(each).toHex()),
      [message.toHex()],
      'XML → binary',
    );
    t.equal(encodeBinary(jsonToNode(json, limits)).toHex(), message.toHex(), 'JSON → binary');
    if (xml.startsWith('<RequestMessage>')) checkRequest(t, message, name);
    t.end();
  });
}

/** Decodes a request as the server does, and checks that its header is encoded as it was. */
function checkRequest(t: Test, message: Uint8Array, name: string): void {
  const { version, header, items } = decodeRequest(message, limits);
  t.ok(name.startsWith(`${version}-`), `version ${version}`);
  t.equal(items.length, header.BatchCount, 'items');
  const writer = new BinaryWriter();
  plan(RequestHeader, version).write(writer, tagNumber('RequestHeader'), header);
  const written = writer.finish();
  t.equal(written.toHex(), message.subarray(8, 8 + written.length).toHex(), 'header → header');
}
