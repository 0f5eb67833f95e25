"""Keys, keyed hashes and opt-outs: what keeps a person's identifiers out of every later stage."""

from pophealth_link.privacy.hashes import keyed_hash, salted_hash
from pophealth_link.privacy.key import MINIMUM_KEY_BYTES, Key

__all__ = ["MINIMUM_KEY_BYTES", "Key", "keyed_hash", "salted_hash"]
