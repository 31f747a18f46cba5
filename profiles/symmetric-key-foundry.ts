import type { Profile } from './profile.ts';

/** AES and 3DES keys with every lifecycle date and custom attributes. */
export const symmetricKeyFoundry: Profile = {
  name: 'Symmetric Key Foundry for FIPS 140 Server',
  servers: {
    '1.0': 'SymmetricKeyFoundryServerKMIPV1_0',
    '1.1': 'SymmetricKeyFoundryServerKMIPV1_1',
    '1.2': 'SymmetricKeyFoundryServerKMIPV1_2',
    '1.3': 'SymmetricKeyFoundryServerKMIPV1_3',
    '1.4': 'SymmetricKeyFoundryServerKMIPV1_4',
    '2.0': 'SymmetricKeyFoundryServer',
    '2.1': 'SymmetricKeyFoundryServer',
  },
  cases: ['SKFF-M-*', 'SKFF-O-*'],
  supported: true,
};
