import { ValidityIndicator } from '../../../codec/enums.ts';
import { bytes, type Infer, maybe, one, struct, text } from '../../../codec/schema.ts';
import { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import { identifier } from '../../../codec/structures/identifier.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import { requireUsage } from '../../object/usage.ts';
import type { ObjectContext } from '../context.ts';
import { startMacBy, verifyMacBy } from '../key-uses.ts';
import { object, operation } from '../operation.ts';
import { parametersToVerify, requireField, usableKey, validityIndicator } from '../usable-key.ts';
import { isPart, multiPartFields, multiPartResponse } from './multi-part.ts';

const Request = struct({
  UniqueIdentifier: maybe(identifier),
  CryptographicParameters: maybe(CryptographicParameters),
  Data: maybe(bytes),
  MACData: maybe(bytes),
  ...multiPartFields,
});

/** MAC Verify (KMIP 2.1 §6.1.33, 1.4 §4.34): verifies the MAC of data that comes in one piece or in parts. */
export const MACVerify = operation({
  name: 'MACVerify',
  since: '1.2',
  request: Request,
  response: struct({
    UniqueIdentifier: one(text),
    ValidityIndicator: maybe(ValidityIndicator),
    ...multiPartResponse,
  }),
  target: object({ types: ['SymmetricKey'] }),
  limitedRight: 'objects',
  async handle(request, context) {
    const { object: target, attempts } = context;
    if (isPart(request)) return verifyPart(request, context);
    const data = requireField(request.Data, 'Data');
    const given = requireField(request.MACData, 'MAC Data');
    const key = usableKey(target, 'MACVerify', context);
    const parameters = chooseParameters(target, request);
    const valid = await attempts.verifying(
      target.id,
      () => parameters !== undefined && verifyMacBy(key, parameters, data, given, context),
      (indicator) => indicator,
    );
    return { UniqueIdentifier: target.id, ValidityIndicator: validityIndicator(valid) };
  },
});

function chooseParameters(
  target: ManagedObject,
  { CryptographicParameters: requested }: Infer<typeof Request>,
): CryptographicParameters | undefined {
  return parametersToVerify(target, { use: 'mac', requested });
}

/** The MAC may come with the first part or with the last. */
function verifyPart(request: Infer<typeof Request>, context: ObjectContext) {
  const { object: target, attempts, multiPart } = context;
  const { Data: data = new Uint8Array() } = request;
  requireUsage(target, 'MACVerify', context);
  const kept = () => ({ parameters: chooseParameters(target, request), given: request.MACData });
  const start = ({ parameters, given }: ReturnType<typeof kept>) => {
    const key = usableKey(target, 'MACVerify', context);
    return { mac: parameters && startMacBy(key, parameters, context), given };
  };
  const spec = { operation: 'MACVerify', object: target.id, request, kept, start } as const;
  const step = ({ mac, given }: ReturnType<typeof start>, last: boolean): VerificationAnswer => {
    mac?.update(data);
    if (!last) return { UniqueIdentifier: target.id };
    const expected = requireField(request.MACData ?? given, 'MAC Data');
    const valid = mac?.verify(expected) ?? false;
    return { UniqueIdentifier: target.id, ValidityIndicator: validityIndicator(valid) };
  };
  const isValid = ({ ValidityIndicator: indicator }: VerificationAnswer) => indicator !== 'Invalid';
  return attempts.verifying(target.id, () => multiPart.take(spec, step), isValid);
}

interface VerificationAnswer {
  readonly UniqueIdentifier: string;
  readonly ValidityIndicator?: ValidityIndicator;
}
