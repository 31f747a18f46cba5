import { template } from '../values.ts';
import { chooseObject, type Draw, type Material, type Recipe } from './draw.ts';
import { attribute, groupName } from './values.ts';

/** Requests about tickets, jobs, and what belongs to the whole group. */

const operationSets = [
  undefined,
  ['Get', 'Encrypt', 'Decrypt', 'SetAttribute', 'Poll'],
  ['Create', 'Register', 'DeriveKey', 'Import', 'Destroy', 'Revoke'],
  ['SetDefaults', 'SetConstraints', 'Locate', 'PKCS_11', 'Log'],
] as const;

/** A Right: to some operations, on some objects or Object Groups. */
function right(draw: Draw, material: Material) {
  const operations = draw.of(operationSets);
  const object = chooseObject(draw, material);
  const scope = draw.of(['object', 'all', 'object', 'group'] as const);
  const limits = draw.once(3)
    ? { UsageLimitsTotal: 1n, UsageLimitsCount: 1n, UsageLimitsUnit: 'Object' }
    : undefined;
  return {
    UsageLimits: limits,
    Operations: operations && { Operation: [...operations] },
    Objects: object && scope === 'object' ? { UniqueIdentifier: [object.id] } : undefined,
    ObjectGroups: scope === 'group' ? { ObjectGroup: [groupName(draw)] } : undefined,
  };
}

const bounds = (draw: Draw) => ({
  RequestCount: draw.of([undefined, 1, 2] as const),
  UsageLimits: draw.once(3)
    ? { UsageLimitsTotal: 1n, UsageLimitsCount: 1n, UsageLimitsUnit: 'Object' }
    : undefined,
});

const delegatedLogin: Recipe = (draw, material) => ({
  operation: 'DelegatedLogin',
  request: {
    ...bounds(draw),
    Rights: {
      Right: draw.once(4) ? [right(draw, material), right(draw, material)] : [right(draw, material)],
    },
  },
});

const login: Recipe = (draw) => ({ operation: 'Login', request: bounds(draw) });

const setDefaults: Recipe = (draw) => ({
  operation: 'SetDefaults',
  request: {
    DefaultsInformation: {
      ObjectDefaults: [
        {
          ObjectTypes: { ObjectType: ['SymmetricKey'] },
          Attributes: [
            draw.once(2) ? attribute('ContactInformation', 'nobody') : attribute('Sensitive', false),
          ],
        },
      ],
    },
  },
});

const setConstraints: Recipe = () => ({
  operation: 'SetConstraints',
  request: {
    Constraints: {
      Constraint: [
        { ObjectTypes: { ObjectType: ['SecretData'] }, Attributes: [attribute('CryptographicLength', 256)] },
      ],
    },
  },
});

const pkcs11: Recipe = () => ({
  operation: 'PKCS_11',
  request: { PKCS_11Function: 'C_Initialize', PKCS_11InputParameters: Uint8Array.of(1) },
});

const log: Recipe = () => ({ operation: 'Log', request: { LogMessage: 'a line' } });

const locate: Recipe = (draw) => ({
  operation: 'Locate',
  request: {
    Attributes: draw.of([[], [attribute('ObjectType', 'SymmetricKey')], [attribute('Sensitive', true)]]),
  },
});

const aboutJob =
  (operation: 'Poll' | 'Cancel' | 'Process'): Recipe =>
  (draw, { jobs }) => {
    const value = draw.of(jobs);
    return value && { operation, request: { AsynchronousCorrelationValue: value } };
  };

const queryAsynchronousRequests: Recipe = () => ({ operation: 'QueryAsynchronousRequests', request: {} });

const registerPassword: Recipe = (draw, material) => ({
  operation: 'Register',
  request: {
    ObjectType: 'SecretData',
    Attributes: template(
      attribute('CryptographicUsageMask', 0x200),
      attribute('Sensitive', true),
      attribute('ActivationDate', material.now),
    ),
    Object: {
      type: 'SecretData',
      value: {
        SecretDataType: 'Password',
        KeyBlock: {
          KeyFormatType: 'Opaque',
          KeyValue: {
            KeyMaterial: material.isOwner ? material.unique(24) : draw.of(passwords),
            Attributes: [],
          },
        },
      },
    },
  },
});
const passwords = [new TextEncoder().encode('password that all know')] as const;

/** The recipes with how often each is chosen. */
export const groupRecipes: Readonly<Record<string, readonly [weight: number, Recipe]>> = {
  delegatedLogin: [4, delegatedLogin],
  login: [1, login],
  setDefaults: [1, setDefaults],
  setConstraints: [1, setConstraints],
  pkcs11: [1, pkcs11],
  log: [1, log],
  locate: [1, locate],
  poll: [4, aboutJob('Poll')],
  cancel: [1, aboutJob('Cancel')],
  process: [1, aboutJob('Process')],
  queryAsynchronousRequests: [1, queryAsynchronousRequests],
  registerPassword: [2, registerPassword],
};
