// The container inside @peculiar/x509 throws at import without this polyfill: all code imports the library
// from here.
import 'reflect-metadata';

export * from '@peculiar/x509';
