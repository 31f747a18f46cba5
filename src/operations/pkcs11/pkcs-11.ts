import { type PKCS_11Function, PKCS_11ReturnCode } from '../../../codec/enums.ts';
import { bytes, type Infer, maybe, one, struct, text } from '../../../codec/schema.ts';
import { calledFunction } from '../../../codec/structures/pkcs11.ts';
import { fail } from '../../common/errors.ts';
import type { Context } from '../context.ts';
import { conversation, operation } from '../operation.ts';
import { type Application, begin, end, isStale, resume, save } from './pkcs-11-application.ts';
import { CKR, callables, type Result } from './pkcs-11-functions.ts';
import { ParameterReader } from './pkcs-11-parameters.ts';

/** The standard interface of PKCS#11, meant also when none is named. */
const standardInterface = 'PKCS 11';
/** Version of the encoding of parameters, which C_Initialize names. */
const encodingVersion = 1;

const request = struct({
  PKCS_11Interface: maybe(text),
  PKCS_11Function: one(calledFunction),
  CorrelationValue: maybe(bytes),
  PKCS_11InputParameters: maybe(bytes),
});
type Request = Infer<typeof request>;

/** What a call came to; only C_Initialize has a Correlation Value to give. */
interface Outcome extends Result {
  readonly correlation?: Uint8Array;
}

/**
 * PKCS#11 (KMIP 2.1 §6.1.38): calls a function of a token that the server is. What the function refuses is its return
 * code; the operation fails only for what is no call: PKCS_11InvalidInterface, PKCS_11InvalidFunction, PKCS_11CodecError.
 */
export const PKCS_11 = operation({
  name: 'PKCS_11',
  since: '2.0',
  request,
  response: struct({
    PKCS_11Interface: maybe(text),
    PKCS_11Function: one(calledFunction),
    CorrelationValue: maybe(bytes),
    PKCS_11OutputParameters: maybe(bytes),
    PKCS_11ReturnCode: one(PKCS_11ReturnCode),
  }),
  target: conversation(),
  async handle(asked, context) {
    const { PKCS_11Interface, PKCS_11Function: name } = asked;
    if (PKCS_11Interface !== undefined && PKCS_11Interface !== standardInterface)
      fail('PKCS_11InvalidInterface', `the only interface is "${standardInterface}"`);
    if (typeof name !== 'string') fail('PKCS_11InvalidFunction', 'PKCS#11 has no such function');
    const { code, output, correlation } = await called(name, asked, context);
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

async function called(name: PKCS_11Function, asked: Request, context: Context): Promise<Outcome> {
  const input = new ParameterReader(asked.PKCS_11InputParameters ?? new Uint8Array());
  const application = await resume(asked.CorrelationValue, context);
  if (name === 'C_Initialize') return initialize(application, input, context);
  const callable = callables[name];
  if (callable?.needs === 'nothing') return callable.call({ input, context });
  if (application === undefined || asked.CorrelationValue === undefined)
    return { code: CKR.CRYPTOKI_NOT_INITIALIZED };
  if (name === 'C_Finalize') {
    input.nulls();
    end(asked.CorrelationValue, context);
    return { code: CKR.OK };
  }
  if (callable === undefined) return { code: CKR.FUNCTION_NOT_SUPPORTED };
  const result = callable.call({ input, context, application });
  if (result.changed || isStale(application, context)) save(asked.CorrelationValue, application, context);
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
  return { code: CKR.OK, correlation: await begin(context) };
}
