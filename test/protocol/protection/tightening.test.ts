import t from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import { eraOf } from '../../../codec/version.ts';
import { AddAttribute } from '../../../src/operations/attributes/add-attribute.ts';
import { AdjustAttribute } from '../../../src/operations/attributes/adjust-attribute.ts';
import { DeleteAttribute } from '../../../src/operations/attributes/delete-attribute.ts';
import { ModifyAttribute } from '../../../src/operations/attributes/modify-attribute.ts';
import { SetAttribute } from '../../../src/operations/attributes/set-attribute.ts';
import type { AnyOperation } from '../../../src/operations/operation.ts';
import { ask, attributeOf, versionsOf } from '../operations/ask.ts';
import { counted, register, symmetric } from '../operations/transfer/wrapping-keys.ts';
import { TestService } from '../service.ts';

/** A client tightens Sensitive and Extractable and never loosens them, by whatever operation and version. */

const services = { strict: await TestService.open(), kmip: await TestService.open({ protection: 'kmip' }) };
t.teardown(() => Promise.all(Object.values(services).map((service) => service.close())));

/** Value of each attribute that protects, and the operations that could set it to another. */
const protecting = { Sensitive: true, Extractable: false } as const;
type Name = keyof typeof protecting;
const values = (name: Name) => [protecting[name], !protecting[name]] as const;
const changes: readonly (readonly [AnyOperation, (id: string, given: Attribute) => object])[] = [
  [AddAttribute, (UniqueIdentifier, NewAttribute) => ({ UniqueIdentifier, NewAttribute })],
  [ModifyAttribute, (UniqueIdentifier, NewAttribute) => ({ UniqueIdentifier, NewAttribute })],
  [SetAttribute, (UniqueIdentifier, NewAttribute) => ({ UniqueIdentifier, NewAttribute })],
  [
    AdjustAttribute,
    (UniqueIdentifier, { name }) => ({
      UniqueIdentifier,
      AttributeReference: { name },
      AdjustmentType: 'Negate',
    }),
  ],
  [
    DeleteAttribute,
    (UniqueIdentifier, { name, value }) => ({ UniqueIdentifier, CurrentAttribute: { name, value: !value } }),
  ],
];

for (const protection of ['strict', 'kmip'] as const) {
  const service = services[protection];
  t.test(`under ${protection} protection`, async (t) => {
    for (const [operation, request] of changes) {
      for (const version of versionsOf(operation).filter((each) => each >= '1.4')) {
        for (const name of ['Sensitive', 'Extractable'] as const) {
          for (const before of values(name)) {
            const label = `${operation.name} ${version}: ${name} from ${before}`;
            const id = await register(service, symmetric(counted(16)), { name, value: before });
            const { status, reason, message } = await ask(
              service,
              version,
              operation,
              request(id, { name, value: !before }) as never,
            );
            const after = await attributeOf(service, id, name);
            const isLoosening = before === protecting[name];
            const changes = operation !== AddAttribute && operation !== DeleteAttribute;
            const isAllowed = changes && (protection === 'kmip' || !isLoosening);
            t.equal(status === 'Success', isAllowed, `${label}: ${reason}: ${message}`);
            t.equal(after, isAllowed ? !before : before, label);
            if (changes && !isAllowed) {
              t.equal(reason, 'PermissionDenied', label);
              t.match(message, /crypto\.protection/, label);
            }
          }
        }
      }
    }
  });
}

t.test('setting the value that is there is no loosening', async (t) => {
  for (const [operation, request] of changes.slice(1, 3))
    for (const version of versionsOf(operation).filter((each) => each >= '1.4'))
      for (const name of ['Sensitive', 'Extractable'] as const)
        for (const value of values(name)) {
          const id = await register(services.strict, symmetric(counted(16)), { name, value });
          const answer = await ask(
            services.strict,
            version,
            operation,
            request(id, { name, value }) as never,
          );
          t.equal(answer.status, 'Success', `${operation.name} ${eraOf(version)} ${name} ${value}`);
        }
});
