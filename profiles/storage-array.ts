import type { Profile } from './profile.ts';

/** Passwords of drives as Secret Data, with custom attributes and groups. */
export const storageArray: Profile = {
  name: 'Storage Array with Self-Encrypting Drives Server',
  servers: {
    '1.0': 'StorageArrayWithSelfEncryptingDriveServerKMIPV1_0',
    '1.1': 'StorageArrayWithSelfEncryptingDriveServerKMIPV1_1',
    '1.2': 'StorageArrayWithSelfEncryptingDriveServerKMIPV1_2',
    '1.3': 'StorageArrayWithSelfEncryptingDriveServerKMIPV1_3',
    '1.4': 'StorageArrayWithSelfEncryptingDriveServerKMIPV1_4',
    '2.0': 'StorageArrayWithSelfEncryptingDriveServer',
    '2.1': 'StorageArrayWithSelfEncryptingDriveServer',
  },
  cases: ['SASED-M-*'],
  supported: true,
};
