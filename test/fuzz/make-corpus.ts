/**
 * Writes `corpus/` anew: `node test/fuzz/make-corpus.ts`. To be run when operations, object types or versions
 * are added; the messages then stay as they are, so that a campaign's seed means the same everywhere.
 */
import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { createAuthority } from '../../certs/issue.ts';
import { generateKey } from '../../certs/keys.ts';
import { plan } from '../../codec/plan.ts';
import { tagNumber } from '../../codec/tags.ts';
import { isWithin, type Version, versions } from '../../codec/version.ts';
import { BinaryReader } from '../../codec/wire/binary-reader.ts';
import { BinaryWriter } from '../../codec/wire/binary-writer.ts';
import { type Node, readNode } from '../../codec/wire/node.ts';
import { operations } from '../../src/operations/index.ts';
import { encode, requestMessage } from '../client.ts';
import { attribute, valueOf } from '../property/arbitrary.ts';
import { certificationSeeds } from './certification-seeds.ts';
import { cryptoSeeds } from './crypto-seeds.ts';
import { derivingSeeds } from './deriving-seeds.ts';
import { standIn } from './objects.ts';
import { policySeeds } from './policy-seeds.ts';
import { keyMaterial, kindSeeds, registrationSeeds } from './registrations.ts';
import { seeds } from './seeds.ts';
import { extensionMessages, productMessages } from './shapes.ts';
import { ticketSeeds } from './ticket-seeds.ts';
import type { Seed } from './values.ts';
import { wrappingSeeds } from './wrapping-seeds.ts';

const fixedSeed = 20261123;

function payloadOf({ operation, request }: Seed, version: Version): Node {
  const definition = operations.get(operation);
  if (definition === undefined) throw new Error(`there is no operation ${operation}`);
  const writer = new BinaryWriter();
  plan(definition.request, version).write(writer, tagNumber('RequestPayload'), request as never);
  return readNode(new BinaryReader(writer.finish()));
}

function line(label: string, message: Node): string {
  // Identifiers that the generators of the property tests use name an object too.
  const generated = Buffer.from('b8c5e2d0-0d4f-4a62-8a8f-6c1f6f0f4c55').toString('hex');
  const known = Buffer.from(standIn('AES key')).toString('hex');
  return `${label}\t${Buffer.from(encode(message)).toString('hex').replaceAll(generated, known)}`;
}

function linesOf(all: readonly Seed[], only: readonly Version[] = versions): string[] {
  return only.flatMap((version) =>
    all.flatMap((seed) => {
      const definition = operations.get(seed.operation);
      if (definition === undefined || !isWithin(version, definition.since, definition.until)) return [];
      const payload = payloadOf(seed, version);
      return [
        line(
          `${seed.operation} ${version}`,
          requestMessage(version, [{ operation: seed.operation, payload }]),
        ),
      ];
    }),
  );
}

const sample = <T>(from: fc.Arbitrary<T>, count: number): T[] =>
  fc.sample(from, { seed: fixedSeed, numRuns: count });

/** Requests of every operation as the schemas describe them, whether they make sense or not. */
function wholeRequests(): Seed[] {
  return [...operations.values()].flatMap(({ name, request }) =>
    sample(valueOf(request, { version: '2.1' }), 1).map((value) => ({
      operation: name,
      request: value as Record<string, unknown>,
    })),
  );
}

/** Attributes of every kind, to add and to look for. */
function attributeRequests(): Seed[] {
  const added = sample(attribute({ version: '2.1', future: true }), 60).map((each) => ({
    operation: 'AddAttribute',
    request: { UniqueIdentifier: standIn('AES key'), NewAttribute: each },
  }));
  const filters = sample(attribute({ version: '2.1' }), 40).map((each) => ({
    operation: 'Locate',
    request: { MaximumItems: 4, Attributes: [each] },
  }));
  return [...added, ...filters];
}

function write(file: string, lines: readonly string[]): void {
  writeFileSync(join(import.meta.dirname, 'corpus', file), `${lines.join('\n')}\n`);
  console.log(`${file}: ${lines.length} messages`);
}

const der = new Uint8Array(new X509Certificate(await createAuthority('fuzz', await generateKey('ec'))).raw);
const keys = keyMaterial();

write(
  'operations.hex',
  linesOf([
    ...seeds,
    ...cryptoSeeds,
    ...policySeeds,
    ...ticketSeeds,
    ...wrappingSeeds,
    ...derivingSeeds,
    ...certificationSeeds(der),
  ]),
);
write('registrations.hex', linesOf(registrationSeeds(keys, der), ['1.0', '1.4', '2.1']));
write('generated.hex', [...linesOf(wholeRequests()), ...linesOf(attributeRequests(), ['1.2', '2.1'])]);
write(
  'products.hex',
  [...productMessages(), ...extensionMessages()].map(({ label, message }) => line(label, message)),
);
write(
  'objects.hex',
  [...kindSeeds(keys, der)].map(([kind, seed]) =>
    line(`make ${kind}`, requestMessage('1.4', [{ operation: 'Register', payload: payloadOf(seed, '1.4') }])),
  ),
);
