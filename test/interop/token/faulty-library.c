/*
 * A PKCS #11 library that passes everything on to SoftHSM2, but for what the file $KMIPD_TEST_FAULTS says. Each line of
 * it is one of these; `once` removes the file when it has happened:
 *
 *   FUNCTION return CKR [once]       FUNCTION hang        FUNCTION crash [once]     FUNCTION leak MEBIBYTES
 *   FUNCTION sleep MILLISECONDS: as slow tokens do
 *   FUNCTION scribble: writes into the socket of the process
 *   FUNCTION wait: until the file is removed; makes $KMIPD_TEST_FAULTS.waiting
 *   token flags FLAGS                hide MECHANISM       encrypt-wraps             own-iv
 *   token model TEXT: at most 16 bytes, whatever they are
 *
 * `encrypt-wraps`: C_Encrypt and C_Decrypt do CKM_AES_KEY_WRAP, as hardware does and SoftHSM2 does not. `own-iv`: the
 * token takes no IV for CKM_AES_GCM but one of zeros, and writes its own there. Each login is written to
 * $KMIPD_TEST_FAULTS.log with its return value.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CK_PTR *
#define CK_DECLARE_FUNCTION(returnType, name) returnType name
#define CK_DECLARE_FUNCTION_POINTER(returnType, name) returnType(*name)
#define CK_CALLBACK_FUNCTION(returnType, name) returnType(*name)
#ifndef NULL_PTR
#define NULL_PTR 0
#endif
#include "pkcs11.h"

static CK_FUNCTION_LIST *real;
static CK_FUNCTION_LIST faulty;

static const char *controlFile(void) {
  const char *path = getenv("KMIPD_TEST_FAULTS");
  return path == NULL ? "/nonexistent" : path;
}

/* Whether the file has the line, as far as it is given; the rest of the line is copied. */
static int readLine(const char *start, char rest[64]) {
  char line[128];
  int found = 0;
  FILE *file = fopen(controlFile(), "r");
  if (file == NULL) return 0;
  while (!found && fgets(line, sizeof line, file) != NULL) {
    found = strncmp(line, start, strlen(start)) == 0;
    if (found) snprintf(rest, 64, "%.60s", line + strlen(start));
  }
  fclose(file);
  return found;
}

static CK_RV injectFault(const char *name) {
  char start[64], rest[64];
  unsigned long number = 0;
  snprintf(start, sizeof start, "%s ", name);
  if (!readLine(start, rest)) return CKR_OK;
  if (strstr(rest, "once") != NULL) unlink(controlFile());
  if (strncmp(rest, "hang", 4) == 0)
    for (;;) pause();
  if (strncmp(rest, "wait", 4) == 0) {
    char path[4096];
    snprintf(path, sizeof path, "%s.waiting", controlFile());
    FILE *waiting = fopen(path, "w");
    if (waiting != NULL) fclose(waiting);
    while (access(controlFile(), F_OK) == 0) usleep(20000);
  }
  if (sscanf(rest, "sleep %lu", &number) == 1) usleep(number * 1000);
  if (strncmp(rest, "scribble", 8) == 0 && write(3, "scribbled all over the frames", 29) < 0) abort();
  if (strncmp(rest, "crash", 5) == 0) raise(SIGSEGV);
  if (sscanf(rest, "leak %lu", &number) == 1) {
    char *leaked = malloc(number << 20);
    if (leaked != NULL) memset(leaked, 1, number << 20);
    return CKR_OK;
  }
  return sscanf(rest, "return %li", (long *)&number) == 1 ? number : CKR_OK;
}

#define FAULT(name)                    \
  do {                                 \
    CK_RV injected = injectFault(name); \
    if (injected != CKR_OK) return injected; \
  } while (0)

static CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG length) {
  char path[4096];
  CK_RV result = injectFault("C_Login");
  if (result == CKR_OK) result = real->C_Login(session, user, pin, length);
  snprintf(path, sizeof path, "%s.log", controlFile());
  FILE *log = fopen(path, "a");
  if (log != NULL) {
    fprintf(log, "0x%lx\n", result);
    fclose(log);
  }
  FAULT("after-login");
  return result;
}

static CK_RV getTokenInfo(CK_SLOT_ID slot, CK_TOKEN_INFO_PTR info) {
  char rest[64];
  CK_RV result = real->C_GetTokenInfo(slot, info);
  if (result == CKR_OK && readLine("token flags ", rest)) info->flags |= strtoul(rest, NULL, 0);
  if (result == CKR_OK && readLine("token model ", rest)) {
    memset(info->model, ' ', sizeof info->model);
    memcpy(info->model, rest, strnlen(rest, sizeof info->model));
  }
  return result;
}

static CK_RV getSessionInfo(CK_SESSION_HANDLE session, CK_SESSION_INFO_PTR info) {
  FAULT("C_GetSessionInfo");
  return real->C_GetSessionInfo(session, info);
}

static CK_RV getMechanismInfo(CK_SLOT_ID slot, CK_MECHANISM_TYPE mechanism, CK_MECHANISM_INFO_PTR info) {
  char start[64], rest[64];
  CK_RV result = real->C_GetMechanismInfo(slot, mechanism, info);
  snprintf(start, sizeof start, "hide 0x%lx", mechanism);
  if (result == CKR_OK && readLine(start, rest)) info->flags = 0;
  if (result == CKR_OK && mechanism == CKM_AES_KEY_WRAP && readLine("encrypt-wraps", rest))
    info->flags |= CKF_ENCRYPT | CKF_DECRYPT;
  return result;
}

static CK_RV wrapKey(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE wrappingKey,
                     CK_OBJECT_HANDLE key, CK_BYTE_PTR wrapped, CK_ULONG_PTR length) {
  FAULT("C_WrapKey");
  return real->C_WrapKey(session, mechanism, wrappingKey, key, wrapped, length);
}

static CK_RV unwrapKey(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE unwrappingKey,
                       CK_BYTE_PTR wrapped, CK_ULONG length, CK_ATTRIBUTE_PTR template, CK_ULONG count,
                       CK_OBJECT_HANDLE_PTR key) {
  FAULT("C_UnwrapKey");
  return real->C_UnwrapKey(session, mechanism, unwrappingKey, wrapped, length, template, count, key);
}

/* The operation of C_Encrypt or C_Decrypt that runs by CKM_AES_KEY_WRAP; 0: SoftHSM2 does it. */
static CK_OBJECT_HANDLE kwKey;
static CK_MECHANISM kw = {CKM_AES_KEY_WRAP, NULL, 0};

static int isKeyWrap(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key) {
  char rest[64];
  CK_BBOOL yes = CK_TRUE;
  CK_ATTRIBUTE usage[] = {{CKA_WRAP, &yes, sizeof yes}, {CKA_UNWRAP, &yes, sizeof yes}};
  kwKey = 0;
  if (mechanism->mechanism != CKM_AES_KEY_WRAP || !readLine("encrypt-wraps", rest)) return 0;
  kwKey = key;
  /* SoftHSM2 asks for this usage. It fails in a session that only reads, where it was set before. */
  real->C_SetAttributeValue(session, key, usage, 2);
  return 1;
}

static CK_RV encryptInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key) {
  char rest[64];
  if (isKeyWrap(session, mechanism, key)) return CKR_OK;
  if (mechanism->mechanism == CKM_AES_GCM && readLine("own-iv", rest)) {
    static CK_BYTE count;
    CK_GCM_PARAMS *gcm = mechanism->pParameter;
    for (CK_ULONG at = 0; at < gcm->ulIvLen; at++)
      if (gcm->pIv[at] != 0) return CKR_MECHANISM_PARAM_INVALID;
    memset(gcm->pIv, 0xa5, gcm->ulIvLen);
    gcm->pIv[0] = ++count;
  }
  return real->C_EncryptInit(session, mechanism, key);
}

static CK_ATTRIBUTE *secretTemplate(CK_BYTE_PTR value, CK_ULONG length) {
  static CK_OBJECT_CLASS class = CKO_SECRET_KEY;
  static CK_KEY_TYPE type = CKK_GENERIC_SECRET;
  static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
  static CK_ATTRIBUTE template[6];
  CK_ATTRIBUTE filled[] = {{CKA_CLASS, &class, sizeof class},  {CKA_KEY_TYPE, &type, sizeof type},
                           {CKA_TOKEN, &no, sizeof no},        {CKA_SENSITIVE, &no, sizeof no},
                           {CKA_EXTRACTABLE, &yes, sizeof yes}, {CKA_VALUE, value, length}};
  memcpy(template, filled, sizeof filled);
  return template;
}

static CK_RV encrypt(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG length, CK_BYTE_PTR out, CK_ULONG_PTR outLength) {
  CK_OBJECT_HANDLE object;
  FAULT("C_Encrypt");
  if (kwKey == 0) return real->C_Encrypt(session, data, length, out, outLength);
  CK_RV result = real->C_CreateObject(session, secretTemplate(data, length), 6, &object);
  if (result != CKR_OK) return result;
  result = real->C_WrapKey(session, &kw, kwKey, object, out, outLength);
  real->C_DestroyObject(session, object);
  return result;
}

static CK_RV decryptInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key) {
  return isKeyWrap(session, mechanism, key) ? CKR_OK : real->C_DecryptInit(session, mechanism, key);
}

static CK_RV decrypt(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG length, CK_BYTE_PTR out, CK_ULONG_PTR outLength) {
  CK_OBJECT_HANDLE object;
  FAULT("C_Decrypt");
  if (kwKey == 0) return real->C_Decrypt(session, data, length, out, outLength);
  CK_RV result = real->C_UnwrapKey(session, &kw, kwKey, data, length, secretTemplate(NULL, 0), 5, &object);
  /* Hardware says what is wrong. */
  if (result == CKR_GENERAL_ERROR) return CKR_ENCRYPTED_DATA_INVALID;
  if (result != CKR_OK) return result;
  CK_ATTRIBUTE value = {CKA_VALUE, out, *outLength};
  result = real->C_GetAttributeValue(session, object, &value, 1);
  *outLength = value.ulValueLen;
  real->C_DestroyObject(session, object);
  return result;
}

static CK_RV sign(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG length, CK_BYTE_PTR out, CK_ULONG_PTR outLength) {
  FAULT("C_Sign");
  return real->C_Sign(session, data, length, out, outLength);
}

static CK_RV generateKey(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_ATTRIBUTE_PTR template, CK_ULONG count,
                         CK_OBJECT_HANDLE_PTR key) {
  FAULT("C_GenerateKey");
  CK_RV result = real->C_GenerateKey(session, mechanism, template, count, key);
  FAULT("after-C_GenerateKey");
  return result;
}

static CK_RV generateKeyPair(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_ATTRIBUTE_PTR open,
                             CK_ULONG openCount, CK_ATTRIBUTE_PTR own, CK_ULONG ownCount,
                             CK_OBJECT_HANDLE_PTR openKey, CK_OBJECT_HANDLE_PTR ownKey) {
  FAULT("C_GenerateKeyPair");
  return real->C_GenerateKeyPair(session, mechanism, open, openCount, own, ownCount, openKey, ownKey);
}

static CK_RV destroyObject(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object) {
  FAULT("C_DestroyObject");
  return real->C_DestroyObject(session, object);
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list) {
  void *library = dlopen(SOFTHSM_LIBRARY, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) return CKR_GENERAL_ERROR;
  CK_C_GetFunctionList getList = (CK_C_GetFunctionList)dlsym(library, "C_GetFunctionList");
  CK_RV result = getList(&real);
  if (result != CKR_OK) return result;
  faulty = *real;
  faulty.C_Login = login;
  faulty.C_GetTokenInfo = getTokenInfo;
  faulty.C_GetSessionInfo = getSessionInfo;
  faulty.C_GetMechanismInfo = getMechanismInfo;
  faulty.C_Sign = sign;
  faulty.C_GenerateKey = generateKey;
  faulty.C_GenerateKeyPair = generateKeyPair;
  faulty.C_DestroyObject = destroyObject;
  faulty.C_WrapKey = wrapKey;
  faulty.C_UnwrapKey = unwrapKey;
  faulty.C_EncryptInit = encryptInit;
  faulty.C_Encrypt = encrypt;
  faulty.C_DecryptInit = decryptInit;
  faulty.C_Decrypt = decrypt;
  *list = &faulty;
  return CKR_OK;
}
