"""Drives a KMIP server with PyKMIP's own client, as its users do, once per protocol version.

Usage: pykmip_client.py HOST PORT CA CERT KEY

Writes one line of JSON per check: {"version": "1.2", "check": "create", "error": null}; an error is the text of what
went wrong. Exits with 0 when it ran to its end, whatever the checks said.
"""

import binascii
import datetime
import hashlib
import hmac
import json
import logging
import sys
import time
import traceback

from cryptography import x509
from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from kmip.core import enums, misc, objects, primitives
from kmip.core.attributes import Name
from kmip.core.exceptions import OperationFailure
from kmip.core.factories.attributes import AttributeFactory
from kmip.pie import objects as pie
from kmip.pie.client import ProxyKmipClient
from kmip.pie.exceptions import KmipOperationFailure

HOST, PORT, CA, CERT, KEY = sys.argv[1:6]

ALGORITHM = enums.CryptographicAlgorithm
FORMAT = enums.KeyFormatType
MASK = enums.CryptographicUsageMask
REASON = enums.ResultReason
STATE = enums.State
VERSIONS = {
    "1.0": enums.KMIPVersion.KMIP_1_0,
    "1.1": enums.KMIPVersion.KMIP_1_1,
    "1.2": enums.KMIPVersion.KMIP_1_2,
    "1.3": enums.KMIPVersion.KMIP_1_3,
    "1.4": enums.KMIPVersion.KMIP_1_4,
    "2.0": enums.KMIPVersion.KMIP_2_0,
}
ATTRIBUTES = AttributeFactory()
KEY_BYTES = binascii.unhexlify("000102030405060708090a0b0c0d0e0f")
BOTH = [MASK.ENCRYPT, MASK.DECRYPT]

# These have checks of their own: PyKMIP cannot read what 2.0 makes of their answers.
APART = (
    enums.QueryFunction.QUERY_PROFILES,
    enums.QueryFunction.QUERY_CAPABILITIES,
    enums.QueryFunction.QUERY_DEFAULTS_INFORMATION,
    enums.QueryFunction.QUERY_STORAGE_PROTECTION_MASKS,
)

CHECKS = []


def check(since="1.0", until="2.0"):
    """Marks a function as a check for the versions from `since` to `until`."""

    def mark(function):
        CHECKS.append((function.__name__.replace("_", " "), since, until, function))
        return function

    return mark


class Session:
    """What a check works with: an open client, its version, and names nobody else uses."""

    def __init__(self, client, version):
        self.client = client
        self.version = version
        self.serial = 0

    def name(self, kind):
        self.serial += 1
        return "pykmip-{0}-{1}-{2}-{3}".format(self.version, kind, self.serial, time.time_ns())

    def key(self, name=None, length=128):
        return self.client.create(ALGORITHM.AES, length, name=name, cryptographic_usage_mask=BOTH)

    def attributes(self, uid, *names):
        """The values of attributes by their 1.x names; several values of one attribute as a list."""
        found, listed = self.client.get_attributes(uid, list(names) or None)
        same(found, uid)
        values = {}
        for attribute in listed:
            value = attribute.attribute_value
            values.setdefault(attribute.attribute_name.value, []).append(getattr(value, "value", value))
        return {name: many[0] if len(many) == 1 else many for name, many in values.items()}

    def state(self, uid):
        return self.attributes(uid, "State").get("State")


def same(actual, expected):
    if actual != expected:
        raise AssertionError("expected {0!r}, found {1!r}".format(expected, actual))


def holds(condition, said):
    if not condition:
        raise AssertionError(said)


def refused(reason, function, *arguments, **keywords):
    """The call must fail with one of the reasons and a message."""
    reasons = reason if isinstance(reason, tuple) else (reason,)
    try:
        function(*arguments, **keywords)
    except (KmipOperationFailure, OperationFailure) as failure:
        holds(failure.reason in reasons, "expected {0}, found {1}".format(reasons, failure.reason))
        said = getattr(failure, "message", None) or str(failure)
        holds(said, "the failure carries no message")
        return
    raise AssertionError("it was not refused")


def attribute(kind, value, index=None):
    return ATTRIBUTES.create_attribute(kind, value, index)


def named(name):
    return attribute(enums.AttributeType.NAME, Name.create(name, enums.NameType.UNINTERPRETED_TEXT_STRING))


def rsa_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pkcs8(key):
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def pkcs1(key):
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def public_der(key, form):
    return key.public_key().public_bytes(serialization.Encoding.DER, form)


PAIR = rsa_key()


def certificate():
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "client of the test")])
    now = datetime.datetime.utcnow()
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(PAIR.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(PAIR, hashes.SHA256())
        .public_bytes(serialization.Encoding.DER)
    )


# Discovery


@check()
def query(session):
    asked = [
        enums.QueryFunction.QUERY_OPERATIONS,
        enums.QueryFunction.QUERY_OBJECTS,
        enums.QueryFunction.QUERY_SERVER_INFORMATION,
        enums.QueryFunction.QUERY_APPLICATION_NAMESPACES,
    ]
    result = session.client.proxy.query(query_functions=asked)
    same(result.result_status.value, enums.ResultStatus.SUCCESS)
    for wanted in (enums.Operation.CREATE, enums.Operation.REGISTER, enums.Operation.GET, enums.Operation.LOCATE):
        holds(wanted in result.operations, "{0} is not offered".format(wanted))
    for wanted in (enums.ObjectType.SYMMETRIC_KEY, enums.ObjectType.CERTIFICATE, enums.ObjectType.OPAQUE_DATA):
        holds(wanted in result.object_types, "{0} is not stored".format(wanted))
    holds(result.vendor_identification, "there is no vendor identification")


@check()
def query_every_other_function(session):
    for function in enums.QueryFunction:
        if function in APART:
            continue
        result = session.client.proxy.query(query_functions=[function])
        same(result.result_status.value, enums.ResultStatus.SUCCESS)


@check(since="1.3")
def query_profiles(session):
    result = session.client.proxy.query(query_functions=[enums.QueryFunction.QUERY_PROFILES])
    same(result.result_status.value, enums.ResultStatus.SUCCESS)


@check(since="1.3")
def query_capabilities(session):
    result = session.client.proxy.query(query_functions=[enums.QueryFunction.QUERY_CAPABILITIES])
    same(result.result_status.value, enums.ResultStatus.SUCCESS)


@check(since="2.0")
def query_defaults_information(session):
    result = session.client.proxy.query(query_functions=[enums.QueryFunction.QUERY_DEFAULTS_INFORMATION])
    same(result.result_status.value, enums.ResultStatus.SUCCESS)


@check(since="2.0")
def query_storage_protection_masks(session):
    result = session.client.proxy.query(query_functions=[enums.QueryFunction.QUERY_STORAGE_PROTECTION_MASKS])
    same(result.result_status.value, enums.ResultStatus.SUCCESS)


@check(since="1.1")
def discover_versions(session):
    result = session.client.proxy.discover_versions()
    same(result.result_status.value, enums.ResultStatus.SUCCESS)
    found = ["{0}.{1}".format(each.major, each.minor) for each in result.protocol_versions]
    same(found, ["2.1", "2.0", "1.4", "1.3", "1.2", "1.1", "1.0"])


# Making objects


@check()
def create(session):
    name = session.name("created")
    policy = None if session.version == "2.0" else "default"
    uid = session.client.create(ALGORITHM.AES, 256, policy, name, BOTH)
    key = session.client.get(uid)
    holds(isinstance(key, pie.SymmetricKey), "no symmetric key: {0!r}".format(key))
    same((key.cryptographic_algorithm, key.cryptographic_length), (ALGORITHM.AES, 256))
    same((key.key_format_type, len(key.value)), (FORMAT.RAW, 32))
    found = session.attributes(uid, "Name", "Cryptographic Usage Mask", "State")
    same(found["Cryptographic Usage Mask"], 12)
    same(found["State"], STATE.PRE_ACTIVE)
    holds(name in str(found["Name"]), "the name is {0}".format(found["Name"]))
    if policy is not None:
        same(session.attributes(uid, "Operation Policy Name"), {"Operation Policy Name": policy})


@check()
def create_of_every_algorithm(session):
    for algorithm, length in ((ALGORITHM.AES, 192), (ALGORITHM.TRIPLE_DES, 192), (ALGORITHM.HMAC_SHA256, 256)):
        uid = session.client.create(algorithm, length)
        same(len(session.client.get(uid).value), length // 8)


@check()
def create_key_pair(session):
    public, private = session.client.create_key_pair(
        ALGORITHM.RSA,
        2048,
        public_name=session.name("public"),
        public_usage_mask=[MASK.VERIFY],
        private_name=session.name("private"),
        private_usage_mask=[MASK.SIGN],
    )
    key = session.client.get(private)
    holds(isinstance(key, pie.PrivateKey), "no private key: {0!r}".format(key))
    same(key.cryptographic_length, 2048)
    loader = serialization.load_der_private_key(key.value, None)
    key = session.client.get(public)
    holds(isinstance(key, pie.PublicKey), "no public key: {0!r}".format(key))
    same(serialization.load_der_public_key(key.value).public_numbers(), loader.public_key().public_numbers())
    same(session.attributes(public, "Cryptographic Usage Mask")["Cryptographic Usage Mask"], MASK.VERIFY.value)
    same(session.attributes(private, "Cryptographic Usage Mask")["Cryptographic Usage Mask"], MASK.SIGN.value)


@check()
def create_key_pair_without_masks(session):
    public, private = session.client.create_key_pair(ALGORITHM.RSA, 2048)
    holds(session.client.get(public).value, "the public key is empty")
    holds(session.client.get(private).value, "the private key is empty")


def register_and_get(session, given):
    uid = session.client.register(given)
    found = session.client.get(uid)
    same(type(found), type(given))
    same(found.value, given.value)
    for field in ("key_format_type", "cryptographic_algorithm", "cryptographic_length", "data_type", "opaque_type"):
        same(getattr(found, field, None), getattr(given, field, None))
    same(session.attributes(uid, "Object Type")["Object Type"], given.object_type)
    return uid, found


@check()
def register_symmetric_key(session):
    register_and_get(session, pie.SymmetricKey(ALGORITHM.AES, 128, KEY_BYTES, masks=BOTH, name=session.name("aes")))


@check()
def register_without_masks_under_the_default_name_twice(session):
    for _ in range(2):
        register_and_get(session, pie.SymmetricKey(ALGORITHM.AES, 128, KEY_BYTES))


@check()
def register_public_keys(session):
    forms = {
        FORMAT.X_509: serialization.PublicFormat.SubjectPublicKeyInfo,
        FORMAT.PKCS_1: serialization.PublicFormat.PKCS1,
    }
    for form, der in forms.items():
        register_and_get(
            session, pie.PublicKey(ALGORITHM.RSA, 2048, public_der(PAIR, der), form, [MASK.VERIFY], session.name("public"))
        )


@check()
def register_private_keys(session):
    for form, der in ((FORMAT.PKCS_8, pkcs8(PAIR)), (FORMAT.PKCS_1, pkcs1(PAIR))):
        register_and_get(
            session, pie.PrivateKey(ALGORITHM.RSA, 2048, der, form, [MASK.SIGN], session.name("private"))
        )


@check()
def register_certificate(session):
    uid, _ = register_and_get(session, pie.X509Certificate(certificate(), [MASK.VERIFY], session.name("certificate")))
    if session.version < "2.0":  # PyKMIP cannot read the attribute in 2.0
        same(session.attributes(uid, "Certificate Type")["Certificate Type"], enums.CertificateType.X_509)


@check()
def register_secret_data(session):
    for kind in (enums.SecretDataType.PASSWORD, enums.SecretDataType.SEED):
        register_and_get(session, pie.SecretData(b"a secret word", kind, [MASK.DERIVE_KEY], session.name("secret")))


@check()
def register_opaque_object(session):
    register_and_get(session, pie.OpaqueObject(b"anything", enums.OpaqueDataType.NONE, session.name("opaque")))


@check()
def register_split_key(session):
    given = pie.SplitKey(
        cryptographic_algorithm=ALGORITHM.AES,
        cryptographic_length=128,
        key_value=KEY_BYTES,
        cryptographic_usage_masks=[MASK.EXPORT],
        name=session.name("split"),
        key_format_type=FORMAT.RAW,
        split_key_parts=3,
        key_part_identifier=1,
        split_key_threshold=2,
        split_key_method=enums.SplitKeyMethod.XOR,
    )
    _, found = register_and_get(session, given)
    same((found.split_key_parts, found.key_part_identifier, found.split_key_threshold), (3, 1, 2))
    same(found.split_key_method, enums.SplitKeyMethod.XOR)


@check()
def register_wrapped_key(session):
    wrapping = {
        "wrapping_method": enums.WrappingMethod.ENCRYPT,
        "encryption_key_information": {
            "unique_identifier": "a key kept elsewhere",
            "cryptographic_parameters": {"block_cipher_mode": enums.BlockCipherMode.NIST_KEY_WRAP},
        },
        "encoding_option": enums.EncodingOption.NO_ENCODING,
    }
    given = pie.SymmetricKey(
        ALGORITHM.AES, 128, bytes(24), BOTH, session.name("wrapped"), key_wrapping_data=wrapping
    )
    _, found = register_and_get(session, given)
    same(found.key_wrapping_data["wrapping_method"], enums.WrappingMethod.ENCRYPT)


@check(since="1.1")
def get_wrapped(session):
    kek = session.client.register(
        pie.SymmetricKey(ALGORITHM.AES, 256, bytes(range(32)), [MASK.WRAP_KEY], session.name("kek"))
    )
    session.client.activate(kek)
    uid = session.client.register(pie.SymmetricKey(ALGORITHM.AES, 128, KEY_BYTES, BOTH, session.name("dek")))
    mode = {"block_cipher_mode": enums.BlockCipherMode.NIST_KEY_WRAP}
    specification = {
        "wrapping_method": enums.WrappingMethod.ENCRYPT,
        "encryption_key_information": {"unique_identifier": kek, "cryptographic_parameters": mode},
        "encoding_option": enums.EncodingOption.NO_ENCODING,
    }
    bare = session.client.get(uid, specification)
    same(keywrap.aes_key_unwrap(bytes(range(32)), bare.value), KEY_BYTES)
    same(bare.key_wrapping_data["encryption_key_information"]["unique_identifier"], kek)
    same(bare.key_wrapping_data["encryption_key_information"]["cryptographic_parameters"], mode)
    again = pie.SymmetricKey(
        ALGORITHM.AES, 128, bare.value, BOTH, session.name("again"), key_wrapping_data=bare.key_wrapping_data
    )
    same(session.client.get(session.client.register(again)).value, bare.value)


# Finding and reading


@check()
def get_in_another_format(session):
    uid = session.client.register(pie.PrivateKey(ALGORITHM.RSA, 2048, pkcs8(PAIR), FORMAT.PKCS_8))
    result = session.client.proxy.get(uid, key_format_type=misc.KeyFormatType(FORMAT.PKCS_1))
    same(result.result_status.value, enums.ResultStatus.SUCCESS)
    block = result.secret.key_block
    same(block.key_format_type.value, FORMAT.PKCS_1)
    same(block.key_value.key_material.value, pkcs1(PAIR))


@check()
def get_in_a_format_the_key_does_not_have(session):
    result = session.client.proxy.get(session.key(), key_format_type=misc.KeyFormatType(FORMAT.PKCS_8))
    same(result.result_status.value, enums.ResultStatus.OPERATION_FAILED)
    same(result.result_reason.value, REASON.KEY_FORMAT_TYPE_NOT_SUPPORTED)
    holds(result.result_message.value, "the failure carries no message")


@check()
def locate_by_name(session):
    name = session.name("located")
    uid, longer = session.key(name), session.key(name + "-longer")
    same(session.client.locate(attributes=[named(name)]), [uid])
    same(session.client.locate(attributes=[named(name + "-longer")]), [longer])
    same(session.client.locate(attributes=[named(name + "-absent")]), [])


@check()
def locate_by_several_attributes(session):
    name = session.name("several")
    short, long = session.key(name, 128), session.key(name, 256)
    secret = session.client.register(pie.SecretData(b"word", enums.SecretDataType.PASSWORD, [MASK.EXPORT], name))
    length = attribute(enums.AttributeType.CRYPTOGRAPHIC_LENGTH, 256)
    keys = attribute(enums.AttributeType.OBJECT_TYPE, enums.ObjectType.SYMMETRIC_KEY)
    algorithm = attribute(enums.AttributeType.CRYPTOGRAPHIC_ALGORITHM, ALGORITHM.AES)
    mask = attribute(enums.AttributeType.CRYPTOGRAPHIC_USAGE_MASK, [MASK.DECRYPT])
    state = attribute(enums.AttributeType.STATE, STATE.ACTIVE)
    same(session.client.locate(attributes=[named(name), length, algorithm, mask]), [long])
    same(set(session.client.locate(attributes=[named(name), keys])), {short, long})
    same(set(session.client.locate(attributes=[named(name)])), {short, long, secret})
    same(session.client.locate(attributes=[named(name), state]), [])
    session.client.activate(short)
    same(session.client.locate(attributes=[named(name), state]), [short])


@check()
def locate_by_object_group(session):
    group = session.name("group")
    given = [
        attribute(enums.AttributeType.CRYPTOGRAPHIC_ALGORITHM, ALGORITHM.AES),
        attribute(enums.AttributeType.CRYPTOGRAPHIC_LENGTH, 128),
        attribute(enums.AttributeType.CRYPTOGRAPHIC_USAGE_MASK, BOTH),
        attribute(enums.AttributeType.OBJECT_GROUP, group),
    ]
    result = session.client.proxy.create(
        enums.ObjectType.SYMMETRIC_KEY, objects.TemplateAttribute(attributes=given)
    )
    same(result.result_status.value, enums.ResultStatus.SUCCESS)
    in_group = attribute(enums.AttributeType.OBJECT_GROUP, group)
    same(session.client.locate(attributes=[in_group]), [result.uuid])


@check()
def locate_by_initial_date(session):
    name = session.name("dated")
    before = int(time.time()) - 60
    uid = session.key(name)
    start = attribute(enums.AttributeType.INITIAL_DATE, before)
    end = attribute(enums.AttributeType.INITIAL_DATE, before + 120)
    past = attribute(enums.AttributeType.INITIAL_DATE, before - 60)
    same(session.client.locate(attributes=[named(name), start, end]), [uid])
    same(session.client.locate(attributes=[named(name), past, start]), [])


@check()
def locate_in_pages(session):
    name = session.name("paged")
    made = [session.key(name) for _ in range(5)]
    whole = session.client.locate(attributes=[named(name)])
    same(whole, made[::-1])
    same(session.client.locate(maximum_items=2, attributes=[named(name)]), whole[:2])
    pages = [session.client.locate(maximum_items=2, offset_items=at, attributes=[named(name)]) for at in (0, 2, 4, 6)]
    same(pages, [whole[0:2], whole[2:4], whole[4:5], []])


@check()
def locate_by_storage_status(session):
    name = session.name("stored")
    uid = session.key(name)
    same(session.client.locate(storage_status_mask=1, attributes=[named(name)]), [uid])
    same(session.client.locate(storage_status_mask=2, attributes=[named(name)]), [])


@check()
def locate_everything(session):
    uid = session.key()
    holds(uid in session.client.locate(), "the key is not among all objects")


@check()
def get_attributes(session):
    uid = session.key(session.name("attributes"), 256)
    found = session.attributes(uid, "Cryptographic Algorithm", "Cryptographic Length", "Object Type", "Last Change Date")
    same(found["Cryptographic Algorithm"], ALGORITHM.AES)
    same(found["Cryptographic Length"], 256)
    same(found["Object Type"], enums.ObjectType.SYMMETRIC_KEY)


@check()
def get_attributes_that_are_not_there(session):
    same(session.attributes(session.key(), "Deactivation Date", "Contact Information"), {})


@check()
def get_digest(session):
    found = session.attributes(session.key(), "Digest")["Digest"]
    same(len(found.digest_value.value), 32)


@check()
def get_all_attributes(session):
    uid = session.key(session.name("all"))
    found = session.attributes(uid)
    same(found["Unique Identifier"], uid)
    same(found["State"], STATE.PRE_ACTIVE)


@check()
def get_all_attributes_of_every_type(session):
    public, private = session.client.create_key_pair(ALGORITHM.RSA, 2048, public_name=session.name("pair"))
    word = pie.SecretData(b"word", enums.SecretDataType.PASSWORD, [MASK.EXPORT], session.name("word"))
    bare = pie.OpaqueObject(b"anything", enums.OpaqueDataType.NONE, session.name("opaque"))
    owned = pie.X509Certificate(certificate(), [MASK.VERIFY], session.name("certificate"))
    for uid in (public, private, *(session.client.register(each) for each in (word, bare, owned))):
        same(session.attributes(uid)["Unique Identifier"], uid)


@check()
def get_attribute_list(session):
    uid = session.key(session.name("list"))
    names = session.client.get_attribute_list(uid)
    for name in ("Cryptographic Algorithm", "Cryptographic Length", "Name", "Object Type", "State", "Unique Identifier"):
        holds(name in names, "{0} is not in {1}".format(name, names))


# Changing attributes


@check(until="1.4")
def modify_attribute(session):
    old, new = session.name("old"), session.name("new")
    uid = session.key(old)
    given = attribute(enums.AttributeType.NAME, Name.create(new, enums.NameType.UNINTERPRETED_TEXT_STRING), 0)
    changed, echoed = session.client.modify_attribute(uid, attribute=given)
    same((changed, echoed.attribute_name.value), (uid, "Name"))
    same(session.client.locate(attributes=[named(new)]), [uid])
    same(session.client.locate(attributes=[named(old)]), [])


@check(until="1.4")
def delete_attribute(session):
    name = session.name("deleted")
    uid = session.key(name)
    changed, echoed = session.client.delete_attribute(uid, attribute_name="Name", attribute_index=0)
    same((changed, echoed.attribute_name.value), (uid, "Name"))
    same(session.client.locate(attributes=[named(name)]), [])


@check(since="2.0")
def set_attribute(session):
    uid = session.key()
    same(session.client.set_attribute(uid, attribute_name="Sensitive", attribute_value=True), uid)
    same(session.attributes(uid, "Sensitive"), {"Sensitive": True})


@check(since="2.0")
def modify_attribute_by_value(session):
    old, new = session.name("old"), session.name("new")
    uid = session.key(old)

    def value(name):
        return Name.create(name, enums.NameType.UNINTERPRETED_TEXT_STRING)

    session.client.modify_attribute(
        uid,
        current_attribute=objects.CurrentAttribute(attribute=value(old)),
        new_attribute=objects.NewAttribute(attribute=value(new)),
    )
    same(session.client.locate(attributes=[named(new)]), [uid])
    same(session.client.locate(attributes=[named(old)]), [])


@check(since="2.0")
def delete_attribute_by_reference(session):
    name = session.name("deleted")
    uid = session.key(name)
    reference = objects.AttributeReference(vendor_identification="PyKMIP", attribute_name="absent")
    refused((REASON.ITEM_NOT_FOUND, REASON.ATTRIBUTE_NOT_FOUND), session.client.delete_attribute, uid,
            attribute_reference=reference)
    current = objects.CurrentAttribute(attribute=Name.create(name, enums.NameType.UNINTERPRETED_TEXT_STRING))
    session.client.delete_attribute(uid, current_attribute=current)
    same(session.client.locate(attributes=[named(name)]), [])


@check()
def modify_attribute_that_is_read_only(session):
    uid = session.key()
    if session.version == "2.0":
        given = primitives.Enumeration(enums.State, STATE.ACTIVE, enums.Tags.STATE)
        change = {"new_attribute": objects.NewAttribute(attribute=given)}
    else:
        change = {"attribute": attribute(enums.AttributeType.STATE, STATE.ACTIVE)}
    refused((REASON.PERMISSION_DENIED, REASON.READ_ONLY_ATTRIBUTE, REASON.ATTRIBUTE_READ_ONLY),
            session.client.modify_attribute, uid, **change)
    same(session.state(uid), STATE.PRE_ACTIVE)


# Life


@check()
def activate_revoke_destroy(session):
    client, uid = session.client, session.key()
    client.activate(uid)
    same(session.state(uid), STATE.ACTIVE)
    refused((REASON.PERMISSION_DENIED, REASON.WRONG_KEY_LIFECYCLE_STATE), client.destroy, uid)
    client.revoke(enums.RevocationReasonCode.CESSATION_OF_OPERATION, uid, "it is over")
    same(session.state(uid), STATE.DEACTIVATED)
    client.destroy(uid)
    refused((REASON.ITEM_NOT_FOUND, REASON.OBJECT_DESTROYED), client.get, uid)


@check()
def revoke_as_compromised(session):
    uid = session.key()
    session.client.activate(uid)
    session.client.revoke(enums.RevocationReasonCode.KEY_COMPROMISE, uid, "lost", int(time.time()) - 3600)
    same(session.state(uid), STATE.COMPROMISED)


@check()
def destroy_without_activation(session):
    uid = session.key()
    session.client.destroy(uid)
    refused((REASON.ITEM_NOT_FOUND, REASON.OBJECT_DESTROYED), session.client.get, uid)


@check()
def activate_twice(session):
    uid = session.key()
    session.client.activate(uid)
    refused((REASON.PERMISSION_DENIED, REASON.WRONG_KEY_LIFECYCLE_STATE), session.client.activate, uid)
    same(session.state(uid), STATE.ACTIVE)


@check()
def check_usage(session):
    uid = session.key()
    same(session.client.check(uid, cryptographic_usage_mask=BOTH), uid)


@check()
def rekey(session):
    name = session.name("rekeyed")
    uid = session.key(name)
    session.client.activate(uid)
    replacement = session.client.rekey(uid)
    holds(replacement != uid, "the identifier is the old one")
    holds(session.client.get(replacement).value != session.client.get(uid).value, "the key is the old one")
    same(session.client.locate(attributes=[named(name)]), [replacement])


@check()
def rekey_with_offset(session):
    uid = session.key()
    session.client.activate(uid)
    replacement = session.client.rekey(uid, offset=0)
    same(session.state(replacement), STATE.ACTIVE)


# Use


@check(since="1.2")
def encrypt_and_decrypt(session):
    client, uid = session.client, session.key(length=256)
    client.activate(uid)
    parameters = {
        "cryptographic_algorithm": ALGORITHM.AES,
        "block_cipher_mode": enums.BlockCipherMode.CBC,
        "padding_method": enums.PaddingMethod.PKCS5,
    }
    vector = bytes(range(16))
    secret, _ = client.encrypt(b"sixteen bytes and more", uid, parameters, vector)
    same(len(secret), 32)
    same(client.decrypt(secret, uid, parameters, vector), b"sixteen bytes and more")
    secret, made = client.encrypt(b"sixteen bytes and more", uid, parameters)
    same(client.decrypt(secret, uid, parameters, made), b"sixteen bytes and more")


@check(since="1.2")
def sign_and_verify(session):
    client = session.client
    public, private = client.create_key_pair(
        ALGORITHM.RSA, 2048, public_usage_mask=[MASK.VERIFY], private_usage_mask=[MASK.SIGN]
    )
    client.activate(public)
    client.activate(private)
    parameters = {
        "padding_method": enums.PaddingMethod.PSS,
        "cryptographic_algorithm": ALGORITHM.RSA,
        "hashing_algorithm": enums.HashingAlgorithm.SHA_256,
    }
    signature = client.sign(b"signed", private, parameters)
    same(client.signature_verify(b"signed", signature, public, parameters), enums.ValidityIndicator.VALID)
    same(client.signature_verify(b"other", signature, public, parameters), enums.ValidityIndicator.INVALID)


@check(since="1.2")
def mac(session):
    client = session.client
    uid = client.create(ALGORITHM.HMAC_SHA256, 256, cryptographic_usage_mask=[MASK.MAC_GENERATE])
    client.activate(uid)
    found, code = client.mac(b"data", uid, ALGORITHM.HMAC_SHA256)
    same(found, uid)
    same(code, hmac.new(client.get(uid).value, b"data", "sha256").digest())


def derived(session, base, method, parameters, length=128):
    uid = session.client.derive_key(
        enums.ObjectType.SYMMETRIC_KEY,
        [base],
        method,
        parameters,
        cryptographic_length=length,
        cryptographic_algorithm=ALGORITHM.AES,
    )
    key = session.client.get(uid)
    same((key.cryptographic_algorithm, key.cryptographic_length), (ALGORITHM.AES, length))
    return key.value


@check()
def derive_keys(session):
    client, sha256 = session.client, {"hashing_algorithm": enums.HashingAlgorithm.SHA_256}
    password = client.register(pie.SecretData(b"password", enums.SecretDataType.PASSWORD, masks=[MASK.DERIVE_KEY]))
    base = client.register(pie.SymmetricKey(ALGORITHM.AES, 128, KEY_BYTES, masks=[MASK.DERIVE_KEY]))
    client.activate(password)
    client.activate(base)
    parameters = {
        "cryptographic_parameters": {"hashing_algorithm": enums.HashingAlgorithm.SHA_1},
        "salt": b"salt",
        "iteration_count": 4096,
    }
    found = derived(session, password, enums.DerivationMethod.PBKDF2, parameters, 160)
    same(found, hashlib.pbkdf2_hmac("sha1", b"password", b"salt", 4096))
    found = derived(session, base, enums.DerivationMethod.HASH, {"cryptographic_parameters": sha256}, 256)
    same(found, hashlib.sha256(KEY_BYTES).digest())
    parameters = {"cryptographic_parameters": sha256, "derivation_data": b"data"}
    found = derived(session, base, enums.DerivationMethod.HMAC, parameters)
    same(found, hmac.new(KEY_BYTES, b"data", "sha256").digest()[:16])
    found = derived(session, base, enums.DerivationMethod.NIST800_108_C, parameters)
    same(found, hmac.new(KEY_BYTES, b"\x00\x00\x00\x01data", "sha256").digest()[:16])


@check(since="1.2")
def derive_key_by_encryption(session):
    base = session.client.register(pie.SymmetricKey(ALGORITHM.AES, 128, KEY_BYTES, masks=[MASK.DERIVE_KEY]))
    session.client.activate(base)
    parameters = {
        "cryptographic_parameters": {
            "cryptographic_algorithm": ALGORITHM.AES,
            "block_cipher_mode": enums.BlockCipherMode.CBC,
            "padding_method": enums.PaddingMethod.PKCS5,
        },
        "initialization_vector": bytes(16),
        "derivation_data": b"sixteen bytes...",
    }
    encryptor = Cipher(algorithms.AES(KEY_BYTES), modes.CBC(bytes(16))).encryptor()
    same(derived(session, base, enums.DerivationMethod.ENCRYPT, parameters), encryptor.update(b"sixteen bytes..."))


# Refusals


@check()
def unknown_object(session):
    client, absent = session.client, "0b44ef23-0000-4000-8000-000000000000"
    missing = (REASON.ITEM_NOT_FOUND, REASON.OBJECT_NOT_FOUND)
    for operation in (client.get, client.get_attributes, client.get_attribute_list, client.activate, client.destroy):
        refused(missing, operation, absent)
    refused(missing, client.revoke, enums.RevocationReasonCode.KEY_COMPROMISE, absent)


@check()
def impossible_key(session):
    refused((REASON.INVALID_FIELD, REASON.CRYPTOGRAPHIC_FAILURE, REASON.UNSUPPORTED_CRYPTOGRAPHIC_PARAMETERS),
            session.client.create, ALGORITHM.AES, 250)


@check()
def the_connection_lives_on_after_a_refusal(session):
    refused((REASON.ITEM_NOT_FOUND, REASON.OBJECT_NOT_FOUND), session.client.get, "absent")
    holds(session.client.get(session.key()).value, "the key is empty")


def connect(version, **more):
    return ProxyKmipClient(
        hostname=HOST, port=PORT, ca=CA, cert=CERT, key=KEY, kmip_version=VERSIONS[version], **more
    )


@check()
def username_and_password_in_the_header(session):
    with connect(session.version, username="somebody", password="a secret word") as client:
        uid = client.create(ALGORITHM.AES, 256)
        same(len(client.get(uid).value), 32)
    with connect(session.version, username="", password="") as client:
        same(len(client.get(uid).value), 32)


@check()
def tls_1_2(session):
    with connect(session.version, ssl_version="PROTOCOL_TLSv1_2") as client:
        same(client.proxy.socket.version(), "TLSv1.2")
        holds(client.create(ALGORITHM.AES, 256), "no key")


@check()
def a_new_connection_for_each_operation(session):
    with connect(session.version) as client:
        uid = client.create(ALGORITHM.AES, 256)
    with connect(session.version) as client:
        client.activate(uid)
    with connect(session.version) as client:
        same(len(client.get(uid).value), 32)


def run(version, name, function):
    """The text of what went wrong in one check, on a connection of its own; None when all is well."""
    try:
        with connect(version) as client:
            function(Session(client, version))
    except Exception as error:  # whatever PyKMIP's decoder throws is a finding
        at = traceback.extract_tb(error.__traceback__)[-1]
        return "{0}: {1} ({2}:{3})".format(type(error).__name__, error, at.filename.split("/")[-1], at.lineno)
    return None


def main():
    logging.disable(logging.CRITICAL)
    for version in VERSIONS:
        for name, since, until, function in CHECKS:
            if since <= version <= until:
                error = run(version, name, function)
                print(json.dumps({"version": version, "check": name, "error": error}), flush=True)


main()
