// The container inside @peculiar/x509 stops at import without this polyfill, so this folder takes the library from here.
import 'reflect-metadata';

export * from '@peculiar/x509';
