import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import t from 'tap';
import { jsonToNode, nodeToJson } from '../../../codec/wire/json.ts';
import { decodeBinary, encodeBinary } from '../../../codec/wire/message.ts';
import { nodeToText } from '../../../codec/wire/text.ts';
import { nodeToXml, xmlToNodes } from '../../../codec/wire/xml.ts';
import { limits } from './hex.ts';

/** Directory of the OASIS conformance cases, which are not part of the repository. */
const directory =
  process.env.KMIPD_CASES ?? resolve(import.meta.dirname, '..', '..', '..', '..', 'shared', 'oasis');
const skip = existsSync(directory)
  ? false
  : 'the OASIS cases are not here: set KMIPD_CASES to their directory';

/** A value of the right type in place of every token. */
const literals: Record<string, string> = {
  DateTime: '2024-01-01T00:00:00+00:00',
  TextString: 'token',
  ByteString: '0123456789abcdef',
};

function withoutTokens(xml: string): string {
  return xml.replace(
    /type="(\w+)" value="\$[^"]*"/g,
    (_, type) => `type="${type}" value="${literals[type]}"`,
  );
}

t.test('every message of the OASIS cases is the same tree in four encodings', { skip }, (t) => {
  let messages = 0;
  for (const file of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.xml')) continue;
    const nodes = xmlToNodes(withoutTokens(readFileSync(resolve(directory, file), 'utf8')), limits);
    const problems: string[] = [];
    for (const node of nodes) {
      const binary = encodeBinary(node);
      const same = (other: Uint8Array): boolean => Buffer.compare(binary, other) === 0;
      if (!same(encodeBinary(decodeBinary(binary, limits)))) problems.push('binary');
      if (!same(encodeBinary(jsonToNode(nodeToJson(node), limits)))) problems.push('JSON');
      const [again] = xmlToNodes(nodeToXml(node), limits);
      if (again === undefined || !same(encodeBinary(again))) problems.push('XML');
      if (!nodeToText(node).includes('ProtocolVersionMajor')) problems.push('text');
    }
    t.same(problems, [], file);
    t.equal(nodes.length % 2, 0, `${file}: requests and responses`);
    messages += nodes.length;
  }
  t.ok(messages > 2000, `${messages} messages`);
  t.end();
});
