import type { Profile } from './profile.ts';

/** AES-256 keys found by Application Specific Information; many custom attributes. */
export const tapeLibrary: Profile = {
  name: 'Tape Library Server',
  servers: {
    '1.0': 'TapeLibraryServerKMIPV1_0',
    '1.1': 'TapeLibraryServerKMIPV1_1',
    '1.2': 'TapeLibraryServerKMIPV1_2',
    '1.3': 'TapeLibraryServerKMIPV1_3',
    '1.4': 'TapeLibraryServerKMIPV1_4',
    '2.0': 'TapeLibraryServer',
    '2.1': 'TapeLibraryServer',
  },
  cases: ['TL-M-*'],
  supported: true,
};
