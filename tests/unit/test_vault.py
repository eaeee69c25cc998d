"""Sealed values: nothing shows, nothing opens elsewhere, and keys can be changed."""

import base64
import stat

import pytest

from runwright.core.block_secrets import HIDDEN, hide, restore
from runwright.errors import ConfigurationError
from runwright.server.vault import CannotOpen, Sealed, Vault


@pytest.fixture
def vault(tmp_path):
    return Vault(tmp_path / "sub" / "keys")


def test_what_is_sealed_opens_as_what_it_was_sealed_as(vault):
    sealed = vault.seal(b"secret value", "row 1")
    assert b"secret" not in base64.b64decode(sealed.content)
    assert vault.open(sealed, "row 1") == b"secret value"
    assert vault.seal(b"secret value", "row 1").content != sealed.content
    with pytest.raises(CannotOpen):
        vault.open(sealed, "row 2")


def test_the_file_is_for_its_owner_alone_and_serves_another_vault(vault):
    sealed = vault.seal(b"v", "a")
    assert stat.S_IMODE(vault.path.stat().st_mode) == 0o600
    assert Vault(vault.path).open(sealed, "a") == b"v"


def test_vaults_that_begin_together_make_one_key(tmp_path):
    first, second = Vault(tmp_path / "keys"), Vault(tmp_path / "keys")
    assert not first._known()
    assert not second._known()
    first._write([b"a" * 32], is_first=True)
    second._write([b"b" * 32], is_first=True)
    assert second.open(first.seal(b"v", "a"), "a") == b"v"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["keys"]


@pytest.mark.parametrize("part", ["wrapped_key", "content"])
def test_what_was_changed_does_not_open(vault, part):
    sealed = vault.seal(b"v", "a")
    whole = {"key_id": sealed.key_id, "wrapped_key": sealed.wrapped_key, "content": sealed.content}
    raw = bytearray(base64.b64decode(whole[part]))
    raw[-1] ^= 1
    for wrong in (bytes(raw), bytes(raw[:10])):
        changed = Sealed(**whole | {part: base64.b64encode(wrong).decode()})
        with pytest.raises(CannotOpen):
            vault.open(changed, "a")


def test_a_new_key_seals_and_the_old_ones_open(vault):
    old = vault.seal(b"v", "a")
    key_id = vault.add_key()
    assert vault.open(old, "a") == b"v"
    assert vault.seal(b"v", "a").key_id == key_id != old.key_id
    fresh = vault.rewrap(old, "a")
    assert fresh is not None
    assert (fresh.key_id, vault.open(fresh, "a")) == (key_id, b"v")
    assert vault.rewrap(fresh, "a") is None

    vault.path.write_text(vault.path.read_text().splitlines()[0] + "\n")
    assert Vault(vault.path).open(fresh, "a") == b"v"
    with pytest.raises(CannotOpen, match=old.key_id):
        Vault(vault.path).open(old, "a")


@pytest.mark.parametrize("content", ["", "not base64!\n", base64.b64encode(b"short").decode()])
def test_a_file_without_keys_is_told_of(tmp_path, content):
    path = tmp_path / "keys"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match="keys"):
        Vault(path).seal(b"v", "a")


def test_secrets_are_hidden_by_their_paths():
    data = {
        "plain": 1,
        "token": "t",
        "none": None,
        "login": {"user": "u", "password": "p"},
        "many": {"a": {"key": "1"}, "b": {"key": "2"}},
        "list": [{"key": "3"}, {"other": 4}],
    }
    fields = ["token", "none", "login.password", "many.*.key", "list.*.key", "absent.x"]
    hidden = hide(data, fields)
    assert hidden == {
        "plain": 1,
        "token": HIDDEN,
        "none": None,
        "login": {"user": "u", "password": HIDDEN},
        "many": {"a": {"key": HIDDEN}, "b": {"key": HIDDEN}},
        "list": [{"key": HIDDEN}, {"other": 4}],
    }
    assert hide({"value": {"a": [1]}}, ["value"]) == {"value": HIDDEN}
    changed = hidden | {"plain": 2, "list": []}
    assert restore(changed, data) == data | {"plain": 2, "list": []}
