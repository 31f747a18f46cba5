import { type PKCS_11Function, PKCS_11ReturnCode } from '../../../codec/enums.ts';
import { bytes, type Infer, maybe, one, struct, text } from '../../../codec/schema.ts';
import { calledFunction } from '../../../codec/structures/pkcs11.ts';
import { fail } from '../../common/errors.ts';
import type { Context } from '../context.ts';
import { conversation, operation } from '../operation.ts';
import {
  type Application,
  createApplication,
  loadApplication,
  needsRenewal,
  removeApplication,
  saveApplication,
} from './pkcs-11-application.ts';
import { CKR, type Result } from './pkcs-11-calls.ts';
import { callables } from './pkcs-11-functions.ts';
import { ParameterReader } from './pkcs-11-parameters.ts';

/** The standard interface of PKCS#11, and the default. */
const standardInterface = 'PKCS 11';
/** Version of the encoding of parameters, which C_Initialize names. */
const encodingVersion = 1;

const Request = struct({
  PKCS_11Interface: maybe(text),
  PKCS_11Function: one(calledFunction),
  CorrelationValue: maybe(bytes),
  PKCS_11InputParameters: maybe(bytes),
});
type Request = Infer<typeof Request>;

/** The result of a call; only C_Initialize returns a Correlation Value. */
interface Outcome extends Result {
  readonly correlation?: Uint8Array;
}

/**
 * PKCS#11 (KMIP 2.1 §6.1.37): calls a function of the token that the server provides. The return code tells
 * how the function ended; the operation itself fails only for calls that cannot be decoded:
 * PKCS_11InvalidInterface, PKCS_11InvalidFunction, PKCS_11CodecError.
 */
export const PKCS_11 = operation({
  name: 'PKCS_11',
  since: '2.0',
  request: Request,
  response: struct({
    PKCS_11Interface: maybe(text),
    PKCS_11Function: one(calledFunction),
    CorrelationValue: maybe(bytes),
    PKCS_11OutputParameters: maybe(bytes),
    PKCS_11ReturnCode: one(PKCS_11ReturnCode),
  }),
  target: conversation(),
  limitedRight: 'nothing',
  async handle(request, context) {
    const { PKCS_11Interface, PKCS_11Function: name } = request;
    if (PKCS_11Interface !== undefined && PKCS_11Interface !== standardInterface)
      fail('PKCS_11InvalidInterface', `the only interface is "${standardInterface}"`);
    if (typeof name !== 'string') fail('PKCS_11InvalidFunction', 'PKCS#11 has no such function');
    const { code, output, correlation } = await callFunction(name, request, context);
    const returned: PKCS_11ReturnCode = code === CKR.OK ? 'OK' : code;
    return {
      PKCS_11Interface,
      PKCS_11Function: name,
      CorrelationValue: correlation,
      PKCS_11OutputParameters: output,
      PKCS_11ReturnCode: returned,
    };
  },
});

async function callFunction(name: PKCS_11Function, request: Request, context: Context): Promise<Outcome> {
  const input = new ParameterReader(request.PKCS_11InputParameters ?? new Uint8Array());
  const application = await loadApplication(request.CorrelationValue, context);
  if (name === 'C_Initialize') return initialize(application, input, context);
  const callable = callables[name];
  if (callable?.needs === 'nothing') return callable.call({ input, context });
  if (application === undefined || request.CorrelationValue === undefined)
    return { code: CKR.CRYPTOKI_NOT_INITIALIZED };
  if (name === 'C_Finalize') {
    input.nulls();
    removeApplication(request.CorrelationValue, context);
    return { code: CKR.OK };
  }
  if (callable === undefined) return { code: CKR.FUNCTION_NOT_SUPPORTED };
  const result = callable.call({ input, context, application });
  if (result.changed || needsRenewal(application, context))
    saveApplication(request.CorrelationValue, application, context);
  return result;
}

async function initialize(
  application: Application | undefined,
  input: ParameterReader,
  context: Context,
): Promise<Outcome> {
  if (!input.ended && input.byte() !== encodingVersion)
    fail('PKCS_11CodecError', 'the parameters are encoded in a version that is not known here');
  input.nulls();
  if (application !== undefined) return { code: CKR.CRYPTOKI_ALREADY_INITIALIZED };
  return { code: CKR.OK, correlation: await createApplication(context) };
}
