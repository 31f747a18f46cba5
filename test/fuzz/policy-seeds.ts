import type { Seed } from './values.ts';

const ulong = (value: number): string => value.toString(16).padStart(16, '0');
const call = (PKCS_11Function: string, input = ''): Seed => ({
  operation: 'PKCS_11',
  request: {
    PKCS_11Function,
    CorrelationValue: PKCS_11Function === 'C_Initialize' ? undefined : new Uint8Array(16),
    PKCS_11InputParameters: Uint8Array.fromHex(input),
  },
});

/**
 * Constraints and defaults for an Object Group of its own, so that other seeds still create objects; and
 * PKCS#11.
 */
export const policySeeds: readonly Seed[] = [
  {
    operation: 'SetConstraints',
    request: {
      Constraints: {
        Constraint: [
          {
            ObjectTypes: { ObjectType: ['SymmetricKey', 'SecretData'] },
            ObjectGroups: { ObjectGroup: ['constrained'] },
            Attributes: [
              { name: 'CryptographicAlgorithm', value: 'AES' },
              { name: 'CryptographicLength', value: 192 },
            ],
          },
        ],
      },
    },
  },
  { operation: 'SetConstraints', request: {} },
  { operation: 'GetConstraints', request: {} },
  {
    operation: 'SetDefaults',
    request: {
      DefaultsInformation: {
        ObjectDefaults: [
          {
            ObjectTypes: { ObjectType: ['SymmetricKey'] },
            ObjectGroups: { ObjectGroup: ['constrained'] },
            Attributes: [{ name: 'ContactInformation', value: 'somebody' }],
          },
        ],
      },
    },
  },
  { operation: 'SetDefaults', request: {} },
  call('C_Initialize', '01'),
  call('C_GetInfo'),
  call('C_GetSlotList', '010100000001'),
  call('C_GetTokenInfo', ulong(0)),
  call('C_OpenSession', `${ulong(0)}${ulong(4)}0000`),
  call('C_DigestInit', `${ulong(1)}${ulong(0x250)}00000000`),
  call('C_DigestUpdate', `${ulong(1)}00000003616263`),
  call('C_GenerateRandom', `${ulong(1)}${ulong(20)}`),
  call('C_Finalize'),
];
